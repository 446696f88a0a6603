//go:build linux && cgo

package torch

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	const m, n, k = 37, 53, 129
	a, b := random(m*k), random(n*k)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			dst := make([]float32, m*n)
			if err := Product(dst, a, b, m, n, k); err != nil {
				t.Error(err)
				return
			}
			for i := range m {
				for j := range n {
					want := 0.0
					for l := range k {
						want += float64(a[i*k+l]) * float64(b[j*k+l])
					}
					if got := float64(dst[i*n+j]); math.Abs(got-want) > 1e-4 {
						t.Errorf("(%d, %d) is %g, want %g", i, j, got, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := Product(make([]float32, 3), a, b, 2, 2, 2); err == nil {
		t.Error("a product written past its end")
	}
}

// The kernels are at least as new as the CPU's vectors, whatever OpenBLAS took it for.
func TestBLASCore(t *testing.T) {
	const openblas = "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Haswell " +
		"MAX_THREADS=64 core "
	for _, c := range []struct {
		blas    string
		vectors int
		want    string
	}{
		{openblas + "Haswell", avx512, "SkylakeX"},
		{openblas + "Zen", avx512, "SkylakeX"},
		{openblas + "Prescott", avx512, "SkylakeX"},
		{openblas + "Prescott", avx2, "Haswell"},
		{openblas + "Prescott", older, ""},
		{openblas + "Haswell", avx2, ""},
		{openblas + "SkylakeX", avx512, ""},
		{openblas + "Cooperlake", avx512, ""},
		{"OpenBLAS 0.3.21 core NEOVERSEN1", older, ""},
		{"MKL", avx512, ""},
	} {
		if got := betterCore(c.blas, c.vectors); got != c.want {
			t.Errorf("%s, vectors %d: %q, want %q", c.blas, c.vectors, got, c.want)
		}
	}
}
