//go:build linux && cgo

package torch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// pictures are rows of values in which two thirds of the columns are always zero, and a third of
// the others.
func pictures(r *rand.Rand, rows, columns int) []float32 {
	x := make([]float32, rows*columns)
	for i := range x {
		if i%columns/16%3 == 0 && r.IntN(3) > 0 {
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// firstLayer runs a Linear on data, which wants no gradient: output, and the gradients of weight
// and bias.
func firstLayer(t *testing.T, f func(x, w, b *Tensor, relu bool) *Tensor, relu bool,
	x, w, b, g []float32) (results [3][]float32) {
	do(t, func(s *Scope) {
		out := len(b)
		in := len(w) / out
		wt := s.Float32s(w, out, in).RequiresGrad(true)
		bt := s.Float32s(b, out).RequiresGrad(true)
		y := f(s.Float32s(x, len(x)/in, in), wt, bt, relu)
		y.Mul(s.Float32s(g, len(x)/in, out)).Sum().Backward()
		results = [3][]float32{y.Float32s(), wt.Grad(s).Float32s(), bt.Grad(s).Float32s()}
	})
	return results
}

// Where the input is mostly zeros they are left out: the same as the plain operations, whatever
// the shape, the products with the same bits however many threads.
func TestMostlyZeros(t *testing.T) {
	defer func() {
		if err := Init(DefaultThreads()); err != nil {
			t.Error(err)
		}
	}()
	// rows, in, out: whole and broken groups of 4 rows, tiles of 24 columns, 4 x 4 transposes
	for _, size := range [][3]int{
		{260, 784, 100}, {608, 784, 24}, {323, 785, 49}, {1030, 66, 70}, {1, 4096, 1024}, {3, 1400,
			1003},
	} {
		for _, way := range []string{"finite", "NaN", "infinite"} {
			t.Run(fmt.Sprintf("%v/%s", size, way), func(t *testing.T) {
				rows, in, out := size[0], size[1], size[2]
				r := rand.New(rand.NewPCG(uint64(rows), uint64(in)))
				x, w, b, g := pictures(r, rows, in), normals(r, out*in), normals(r, out),
					normals(r, rows*out)
				switch way {
				case "NaN":
					x[in/2] = float32(math.NaN())
				case "infinite":
					x[len(x)-1] = float32(math.Inf(-1))
				}
				for _, relu := range []bool{true, false} {
					want := firstLayer(t, composed, relu, x, w, b, g)
					var first [3][]float32
					for _, threads := range []int{1, 2, 17} {
						if err := Init(threads); err != nil {
							t.Fatal(err)
						}
						got := firstLayer(t, fused, relu, x, w, b, g)
						for i, name := range []string{"output", "weight", "bias"} {
							nearValues(t, name, got[i], want[i], 3e-6)
							if i < 2 && threads > 1 &&
								!slices.EqualFunc(got[i], first[i], func(a, b float32) bool {
									return math.Float32bits(a) == math.Float32bits(b)
								}) {
								t.Errorf("%s: %d threads give other bits than one", name, threads)
							}
						}
						if threads == 1 {
							first = got
						}
					}
				}
			})
		}
	}
}

// The zeros are really left out: a weight that only ever meets zeros is not looked at, be it NaN.
func TestZerosAreLeftOut(t *testing.T) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		t.Skip("only where the CPU has AVX2 and FMA")
	}
	const rows, in, out = 256, 784, 100
	r := rand.New(rand.NewPCG(1, 2))
	x, w, b, g := pictures(r, rows, in), normals(r, out*in), normals(r, out), normals(r, rows*out)
	w[in-20] = float32(math.NaN())
	y := firstLayer(t, fused, false, x, w, b, g)[0]
	nearValues(t, "a whole NaN column", y,
		firstLayer(t, fused, false, x,
			append(slices.Clone(w[:in-20]), append([]float32{0}, w[in-19:]...)...), b, g)[0], 0)
}
