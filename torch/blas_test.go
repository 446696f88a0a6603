//go:build linux && cgo

package torch

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Products that are large enough to be cut among the threads are what their definition says,
// whichever way the operands lie in memory, of both types and of any number of threads; so are the
// gradients, which are products too.
func TestProductsOnAllThreads(t *testing.T) {
	defer func() {
		if err := Init(DefaultThreads()); err != nil {
			t.Error(err)
		}
	}()
	r := rand.New(rand.NewPCG(8, 9))
	for _, c := range []struct{ m, k, n int }{{257, 129, 131}, {37, 300, 511}, {1, 2000, 600},
		{600, 2000, 1}, {500, 3, 701}} {
		a, b := normals(r, c.m*c.k), normals(r, c.k*c.n)
		// the gradient of a is the sums of b's rows
		want, sums := make([]float64, c.m*c.n), make([]float64, c.m*c.k)
		for i := range c.m {
			for l := range c.k {
				for j := range c.n {
					want[i*c.n+j] += float64(a[i*c.k+l]) * float64(b[l*c.n+j])
					sums[i*c.k+l] += float64(b[l*c.n+j])
				}
			}
		}
		for _, threads := range []int{1, 2, 3} {
			if err := Init(threads); err != nil {
				t.Fatal(err)
			}
			for _, dtype := range []DType{Float32Type, Float64Type} {
				for layout := range 4 {
					do(t, func(s *Scope) {
						x, y := s.Float32s(a, c.m, c.k).ToType(dtype),
							s.Float32s(b, c.k, c.n).ToType(dtype)
						if layout&1 != 0 {
							x = x.T().Contiguous().T()
						}
						if layout&2 != 0 {
							y = y.T().Contiguous().T()
						}
						x = x.Detach().RequiresGrad(true)
						z := x.MatMul(y)
						z.Sum().Backward()
						for name, pair := range map[string]struct {
							got  *Tensor
							want []float64
						}{"product": {z, want}, "gradient": {x.Grad(s), sums}} {
							got := make([]float64, len(pair.want))
							CopyTo(got, pair.got)
							for i, w := range pair.want {
								if math.Abs(got[i]-w) > 1e-5*math.Sqrt(float64(c.k+c.n))*4 {
									t.Fatalf("%v, %d threads, %v, layout %d: %s %d is %g, want %g",
										c, threads, dtype, layout, name, i, got[i], w)
								}
							}
						}
					})
				}
			}
		}
	}
}
