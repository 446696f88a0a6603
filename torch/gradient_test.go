//go:build linux && cgo

package torch

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Gradients against central differences of the operation itself.
func TestGradientsAreDifferences(t *testing.T) {
	const step, tol = 1e-2, 2e-3
	r := rand.New(rand.NewPCG(9, 10))
	// Places between two pixel centres of a 5 x 4 image, where bilinear interpolation has no kink.
	grid := make([]float32, 2*3*3*2)
	for i := range grid {
		size := 4 + i%2 // x over 4 columns, y over 5 rows
		pixel := float64(r.IntN(size+1)) - 1 + 0.2 + 0.6*r.Float64()
		grid[i] = float32((2*pixel+1)/float64(size) - 1)
	}
	// Weights whose products with the inputs stay away from ReLU's kink.
	x, w, b := normals(r, 4*3), normals(r, 5*3), make([]float32, 5)
	for i := range b {
		b[i] = float32(i%2*20 - 10)
	}
	type input struct {
		data  []float32
		shape []int
	}
	for _, c := range []struct {
		name   string
		inputs []input
		f      func(in []*Tensor) *Tensor
	}{
		{"linear", []input{{x, []int{4, 3}}, {w, []int{5, 3}}, {normals(r, 5), []int{5}}},
			func(in []*Tensor) *Tensor { return fused(in[0], in[1], in[2], false) }},
		{"linear+relu", []input{{x, []int{4, 3}}, {w, []int{5, 3}}, {b, []int{5}}},
			func(in []*Tensor) *Tensor { return fused(in[0], in[1], in[2], true) }},
		{"mse_loss", []input{{normals(r, 12), []int{4, 3}}, {normals(r, 12), []int{4, 3}}},
			func(in []*Tensor) *Tensor { return MSELoss(in[0], in[1]) }},
		{"mse_loss of constants", []input{{normals(r, 12), []int{4, 3}}},
			func(in []*Tensor) *Tensor { return MSELoss(in[0], in[0].Detach().Scale(0, 0.5)) }},
		{"normalize", []input{{normals(r, 12), []int{4, 3}}},
			func(in []*Tensor) *Tensor { return in[0].Normalize(1) }},
		{"grid_sample", []input{{normals(r, 40), []int{2, 1, 5, 4}}, {grid, []int{2, 3, 3, 2}}},
			func(in []*Tensor) *Tensor { return GridSample(in[0], in[1]) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var weights []float32 // of the sum whose gradient is checked
			value := func(s *Scope, change, at int, by float32) (*Tensor, []*Tensor) {
				in := make([]*Tensor, len(c.inputs))
				for i, x := range c.inputs {
					data := append([]float32(nil), x.data...)
					if i == change {
						data[at] += by
					}
					in[i] = s.Float32s(data, x.shape...).RequiresGrad(true)
				}
				out := c.f(in)
				if weights == nil {
					weights = normals(r, out.Len())
				}
				return out.Mul(s.Float32s(weights, out.Shape()...)).Sum(), in
			}
			do(t, func(s *Scope) {
				sum, in := value(s, -1, 0, 0)
				sum.Backward()
				for i := range in {
					got := in[i].Grad(s).Float32s()
					want := make([]float32, len(got))
					for k := range want {
						above, _ := value(s, i, k, step)
						below, _ := value(s, i, k, -step)
						want[k] = float32((above.Item() - below.Item()) / (2 * step))
					}
					nearValues(t, fmt.Sprintf("gradient %d", i), got, want, tol)
				}
			})
		})
	}
}
