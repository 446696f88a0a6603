package tsne

import (
	"fmt"
	"math"
	"testing"
)

// gradient returns the field's gradient by row, n x components.
func (f *field) gradient(components int) []float64 {
	g := make([]float64, f.n*components)
	for k, row := range f.order {
		for c := range components {
			at := k*f.stride + c
			g[int(row)*components+c] = 4 * (float64(f.attraction[at]) -
				float64(f.repulsion[at])/f.z)
		}
	}
	return g
}

func testGradient(t testing.TB, a *Affinities, y []float32, components int, theta float64,
	exact bool) (g []float64, kl float64) {
	t.Helper()
	p := newPool(2)
	defer p.close()
	f := newField(p, a.joint(), y, components, theta, exact)
	f.compute(true)
	return f.gradient(components), f.divergence()
}

// plainKL is the definition, in float64.
func plainKL(a *Affinities, y []float64, components int) float64 {
	n := a.N
	q := func(i, j int) float64 {
		d2 := 0.0
		for c := range components {
			d := y[i*components+c] - y[j*components+c]
			d2 += d * d
		}
		return 1 / (1 + d2)
	}
	var z, kl float64
	for i := range n {
		for j := range n {
			if i != j {
				z += q(i, j)
			}
		}
	}
	for i := range n {
		for e := a.Start[i]; e < a.Start[i+1]; e++ {
			if p := float64(a.P[e]); p > 0 {
				kl += p * math.Log(p/(q(i, int(a.Columns[e]))/z))
			}
		}
	}
	return kl
}

func relativeError(got, want []float64) float64 {
	var diff, norm float64
	for i, w := range want {
		diff += (got[i] - w) * (got[i] - w)
		norm += w * w
	}
	return math.Sqrt(diff / norm)
}

func TestGradientAgainstSklearn(t *testing.T) {
	golden := readGolden(t)
	a := testAffinities(t, goldenRows(t, golden), golden.Rows, int(3*golden.Perplexity+1),
		golden.Perplexity)
	for _, exact := range []bool{true, false} {
		g, kl := testGradient(t, a, golden.Y, 2, 0, exact)
		if e := relativeError(g, golden.Gradient); e > 1e-5 {
			t.Errorf("exact %v: the gradient is off by %v", exact, e)
		}
		if math.Abs(kl-golden.KL) > 1e-5*golden.KL {
			t.Errorf("exact %v: KL is %v: want %v", exact, kl, golden.KL)
		}
	}
}

func TestGradientAgainstDifferences(t *testing.T) {
	const n = 60
	x := blobs(n, 5, 3, 3, 1)
	for components := 1; components <= 3; components++ {
		for _, scale := range []float64{1e-2, 1, 10} {
			a := testAffinities(t, x, n, 20, 6)
			y32 := normalRows(n, components, uint64(components))
			y := make([]float64, len(y32))
			for i := range y32 {
				y32[i] *= float32(scale)
				y[i] = float64(y32[i])
			}
			want := make([]float64, len(y))
			for i := range y {
				h := 1e-4 * scale
				at := y[i]
				y[i] = at + h
				up := plainKL(a, y, components)
				y[i] = at - h
				down := plainKL(a, y, components)
				y[i] = at
				want[i] = (up - down) / (2 * h)
			}
			for _, exact := range []bool{true, false} {
				got, kl := testGradient(t, a, y32, components, 0, exact)
				if e := relativeError(got, want); e > 2e-5 {
					t.Errorf("%d components, scale %v, exact %v: the gradient is off by %v",
						components, scale, exact, e)
				}
				if w := plainKL(a, y, components); math.Abs(kl-w) > 1e-5*w {
					t.Errorf("%d components, scale %v, exact %v: KL %v: want %v", components,
						scale, exact, kl, w)
				}
			}
		}
	}
}

func TestThetaZeroIsExact(t *testing.T) {
	const n = 1000
	x := blobs(n, 10, 5, 2, 2)
	a := testAffinities(t, x, n, 31, 10)
	for components := 1; components <= 3; components++ {
		y := blobs(n, components, 7, 20, 3)
		copy(y[:100*components], y[100*components:200*components]) // duplicates
		want, _ := testGradient(t, a, y, components, 0, true)
		got, _ := testGradient(t, a, y, components, 0, false)
		if e := relativeError(got, want); e > 1e-6 {
			t.Errorf("%d components: off by %v", components, e)
		}
		got, _ = testGradient(t, a, y, components, 0.5, false)
		if e := relativeError(got, want); e > 1e-2 {
			t.Errorf("%d components, theta 0.5: off by %v", components, e)
		}
	}
}

// The walk must name every point once, whatever the shape of the data.
func TestWalkCoversAllPoints(t *testing.T) {
	for _, dims := range []int{2, 3} {
		for name, y := range map[string][]float32{
			"normal":       normalRows(1003, dims, 1),
			"blobs":        blobs(1003, dims, 9, 1e4, 2),
			"tiny":         blobs(1003, dims, 3, 1e-30, 3),
			"all the same": make([]float32, 1003*dims),
			"few places":   blobs(1003, dims, 2, 1e9, 4),
			"duplicates":   duplicates(normalRows(1003, dims, 5), dims),
			"one point":    normalRows(1, dims, 6),
		} {
			n := len(y) / dims
			p := newPool(1)
			f := newField(p, &joint{n: n, start: make([]int, n+1)}, y, dims, 0.5, false)
			lo, side := f.box()
			f.tree.build(f.pos, f.stride, lo, side)
			for _, theta2 := range []float32{0, 0.25, 1, 100} {
				for at := 0; at < n; at += groupSize {
					s := &f.scratch[0]
					b := f.tree.groupBox(at)
					count := f.tree.walk(&b, theta2, s.list)
					var m, x float64
					for i := range count {
						m += float64(s.list.m[i])
						x += float64(s.list.m[i]) * float64(s.list.x[i])
					}
					var want, scale float64
					for i := range n {
						want += float64(y[i*dims])
						scale += math.Abs(float64(y[i*dims]))
					}
					if m != float64(n) || math.Abs(x-want) > 1e-5*scale {
						t.Fatalf("%s in %d dimensions, theta² %v: mass %v of %d, moment %v: "+
							"want %v", name, dims, theta2, m, n, x, want)
					}
				}
			}
			p.close()
		}
	}
}

func BenchmarkGradient(b *testing.B) {
	for _, n := range []int{1000, 20000} {
		for _, theta := range []float64{0.5, 0.8} {
			b.Run(fmt.Sprintf("n=%d/theta=%v", n, theta), func(b *testing.B) {
				x := blobs(n, 10, 30, 1.5, 1)
				a := testAffinities(b, x, n, 91, 30)
				o := ScikitLearnOptions()
				o.Theta, o.Iterations = theta, 1<<30
				z, err := NewOptimizer(a, blobs(n, 2, 30, 10, 2), o)
				if err != nil {
					b.Fatal(err)
				}
				defer z.Close()
				b.ReportAllocs()
				// Whole iterations: on points that stay the branch predictor learns the tree.
				for b.Loop() {
					if _, err := z.Step(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
