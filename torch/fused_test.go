//go:build linux && cgo

package torch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func fused(x, weight, bias *Tensor, relu bool) *Tensor {
	return linear(x, weight, bias, relu, false)
}

// composed is the same of plain operations.
func composed(x, weight, bias *Tensor, relu bool) *Tensor {
	y := x.MatMul(weight.T()).Add(bias)
	if relu {
		y = y.ReLU()
	}
	return y
}

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// Each way to run a Linear and a mean squared error: the fused passes must give what the plain
// operations give.
func TestFusedIsComposed(t *testing.T) {
	nan := float32(math.NaN())
	// rows, in, out; 64 rows are one block of the bias gradient; the last are split over threads
	for _, size := range [][3]int{
		{1, 1, 1}, {1, 5, 3}, {3, 1, 7}, {7, 13, 1}, {63, 3, 5}, {64, 3, 5}, {65, 9, 17}, {129, 33,
			31}, {2, 784, 25}, {70, 20, 1000}, {257, 97, 65},
	} {
		for _, way := range []string{"plain", "no gradient for x", "x transposed",
			"weight transposed", "zeros", "NaN", "infinite"} {
			for _, relu := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%s/relu=%v", size, way, relu), func(t *testing.T) {
					rows, in, out := size[0], size[1], size[2]
					r := rand.New(rand.NewPCG(uint64(rows), uint64(in)))
					x, w, b, target := normals(r, rows*in), normals(r, out*in), normals(r, out),
						normals(r, rows*out)
					switch way {
					case "zeros":
						clear(x)
						clear(b)
					case "NaN":
						x[in/2] = nan
					case "infinite":
						x[0] = float32(math.Inf(1))
					}
					var results [2][][]float32
					for k, f := range []func(x, w, b *Tensor, relu bool) *Tensor{fused, composed} {
						do(t, func(s *Scope) {
							leaf := func(values []float32, rows, columns int,
								transposed bool) (leaf, matrix *Tensor) {
								if transposed {
									leaf = s.Float32s(values, columns, rows).RequiresGrad(true)
									return leaf, leaf.T()
								}
								leaf = s.Float32s(values, rows, columns).RequiresGrad(true)
								return leaf, leaf
							}
							leafX, xt := leaf(x, rows, in, way == "x transposed")
							leafW, wt := leaf(w, out, in, way == "weight transposed")
							bt := s.Float32s(b, out).RequiresGrad(true)
							leaves := []*Tensor{leafW, bt, leafX}
							if way == "no gradient for x" {
								leafX.RequiresGrad(false)
								leaves = leaves[:2]
							}
							y := f(xt, wt, bt, relu)
							goal := s.Float32s(target, rows, out)
							var loss *Tensor
							if k == 0 {
								loss = MSELoss(y, goal)
							} else {
								d := y.Sub(goal)
								loss = d.Mul(d).Mean()
							}
							loss.Backward()
							results[k] = [][]float32{y.Float32s(), loss.Float32s()}
							for _, leaf := range leaves {
								results[k] = append(results[k], leaf.Grad(s).Float32s())
							}
							if way == "no gradient for x" && leafX.Grad(s) != nil {
								t.Error("x has a gradient that nobody asked for")
							}
						})
					}
					for i, name := range []string{"output", "loss", "weight", "bias",
						"x"}[:len(results[0])] {
						nearValues(t, name, results[0][i], results[1][i], 3e-6)
					}
				})
			}
		}
	}
}

// A loss that is scaled, used twice, of a target that wants a gradient, or of views.
func TestMSELossWays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b := normals(r, 15*7), normals(r, 15*7)
	composed := func(o, g *Tensor) *Tensor { d := o.Sub(g); return d.Mul(d).Mean() }
	for name, f := range map[string]func(loss func(o, g *Tensor) *Tensor, o, g *Tensor) *Tensor{
		"scaled": func(loss func(o, g *Tensor) *Tensor, o, g *Tensor) *Tensor {
			return loss(o, g.Detach()).Scale(-3.5, 1)
		},
		"twice": func(loss func(o, g *Tensor) *Tensor, o, g *Tensor) *Tensor {
			return loss(o, g.Detach()).Add(loss(o, g.Detach().Scale(2, 0)))
		},
		"target's gradient": func(loss func(o, g *Tensor) *Tensor, o,
			g *Tensor) *Tensor {
			return loss(o, g)
		},
		"views": func(loss func(o, g *Tensor) *Tensor, o, g *Tensor) *Tensor {
			return loss(o.T(), g.Detach().T())
		},
		"slices": func(loss func(o, g *Tensor) *Tensor, o, g *Tensor) *Tensor {
			return loss(o.Slice(1, 2, 5), g.Detach().Slice(1, 0, 3))
		},
	} {
		mean := func(o, g *Tensor) *Tensor { return MSELoss(o, g) }
		var results [2][][]float32
		for k, loss := range []func(o, g *Tensor) *Tensor{mean, composed} {
			do(t, func(s *Scope) {
				o, g := s.Float32s(a, 15, 7).RequiresGrad(true),
					s.Float32s(b, 15, 7).RequiresGrad(true)
				l := f(loss, o, g)
				l.Backward()
				results[k] = [][]float32{l.Float32s(), o.Grad(s).Float32s()}
				if d := g.Grad(s); d != nil {
					results[k] = append(results[k], d.Float32s())
				}
			})
		}
		if len(results[0]) != len(results[1]) {
			t.Errorf("%s: %d results, composed %d", name, len(results[0]), len(results[1]))
			continue
		}
		for i, what := range []string{"loss", "output's gradient",
			"target's gradient"}[:len(results[0])] {
			nearValues(t, name+": "+what, results[0][i], results[1][i], 2e-6)
		}
	}
}

// A batch of no rows has an output of no rows, a loss that is NaN and gradients that are zero or
// NaN, as in PyTorch.
func TestEmptyBatch(t *testing.T) {
	for name, f := range map[string]func(x, w, b *Tensor, relu bool) *Tensor{"fused": fused,
		"composed": composed} {
		for _, relu := range []bool{false, true} {
			do(t, func(s *Scope) {
				w := s.Float32s([]float32{1, 2, 3, 4, 5, 6}, 3, 2).RequiresGrad(true)
				b := s.Float32s([]float32{1, 2, 3}, 3).RequiresGrad(true)
				y := f(s.Float32s(nil, 0, 2), w, b, relu)
				loss := MSELoss(y, s.Float32s(nil, 0, 3))
				loss.Backward()
				if !math.IsNaN(loss.Item()) ||
					fmt.Sprint(y.Shape(), w.Grad(s).Float32s(),
						b.Grad(s).Float32s()) != "[0 3] [0 0 0 0 0 0] [0 0 0]" {
					t.Error(name, relu, loss.Item(), y.Shape(), w.Grad(s).Float32s(),
						b.Grad(s).Float32s())
				}
			})
		}
	}
}

// Many elements: blocks are summed in double, so that a million of them lose nothing.
func TestMSELossOfManyElements(t *testing.T) {
	const rows, columns = 1000, 1200
	r := rand.New(rand.NewPCG(3, 4))
	a, b := normals(r, rows*columns), normals(r, rows*columns)
	want := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		want += d * d
	}
	want /= rows * columns
	do(t, func(s *Scope) {
		got := MSELoss(s.Float32s(a, rows, columns), s.Float32s(b, rows, columns)).Item()
		if math.Abs(got-want) > 1e-7*want {
			t.Errorf("%.9g, summed in double %.9g", got, want)
		}
	})
}

// The number of threads does not change a bit of the output, the loss or the gradients of the
// fused passes' own sums.
func TestThreadsDoNotChangeSums(t *testing.T) {
	defer func() {
		if err := Init(DefaultThreads()); err != nil {
			t.Error(err)
		}
	}()
	r := rand.New(rand.NewPCG(5, 6))
	const rows, columns = 1024, 300
	x, g := normals(r, rows*columns), normals(r, rows*columns)
	var first []float32
	for _, threads := range []int{1, 2, 3, 7} {
		if err := Init(threads); err != nil {
			t.Fatal(err)
		}
		do(t, func(s *Scope) {
			// a product of one factor has one rounding
			w := s.Float32s([]float32{1}, 1, 1).RequiresGrad(true)
			b := s.Float32s([]float32{0.5}, 1).RequiresGrad(true)
			loss := MSELoss(fused(s.Float32s(x, rows*columns, 1), w, b, true),
				s.Float32s(g, rows*columns, 1))
			loss.Backward()
			got := append(loss.Float32s(), b.Grad(s).Float32s()...)
			if first == nil {
				first = got
			} else if got[0] != first[0] || got[1] != first[1] {
				t.Errorf("%d threads: %v, one thread %v", threads, got, first)
			}
		})
	}
}

// bfloat16 has eight bits of mantissa: outputs and gradients agree with float32's to some percent.
func TestBF16IsNearFloat32(t *testing.T) {
	if err := ManualSeed(1); err != nil {
		t.Fatal(err)
	}
	do(t, func(s *Scope) {
		q := NewSequential(Linear(20, 30), ReLU(), Linear(30, 20))
		x := s.Float32s(normals(rand.New(rand.NewPCG(7, 8)), 50*20), 50, 20)
		parameters := q.Parameters("")
		adam, err := NewAdam(parameters, 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer adam.Close()
		var results [2][][]float32
		for k, bf16 := range []bool{false, true} {
			q.SetBF16(bf16)
			adam.ZeroGrad()
			y := q.Forward(x)
			MSELoss(y, x).Backward()
			results[k] = append(results[k], y.Float32s())
			for _, p := range parameters {
				results[k] = append(results[k], p.Grad(s).Float32s())
			}
		}
		for i := range results[0] {
			// a ReLU that flips moves single values, and PyTorch's autocast's, by much more
			var off, size float64
			for j, v := range results[0][i] {
				off += math.Pow(float64(results[1][i][j]-v), 2)
				size += math.Pow(float64(v), 2)
			}
			if d := math.Sqrt(off / size); d > 0.1 || d == 0 {
				t.Errorf("result %d is off by %.2g", i, d)
			}
		}
	})
}
