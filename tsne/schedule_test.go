package tsne

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

// Maps of scikit-learn's schedule stay as they were before there was another one, to the byte.
func TestScikitLearnScheduleKeepsItsBytes(t *testing.T) {
	x, n := readDigits(t)
	for _, c := range []struct {
		name string
		set  func(*Options)
		want string
	}{
		{"digits", func(o *Options) {}, "fa21958ab4fd0d9f"},
		{"no progress", func(o *Options) { o.NoProgress = 50; o.ExaggerationIterations = 100 },
			"6e1787c5a94bb93e"},
		{"space, random start",
			func(o *Options) {
				o.Components, o.Init, o.Iterations = 3,
					InitRandom, 300
			}, "46d8ddac149604af"},
		{"exact, one component",
			func(o *Options) {
				o.Components, o.Method, o.Iterations = 1,
					Exact, 260
			}, "4911225203dfeea8"},
	} {
		o := ScikitLearnOptions()
		c.set(&o)
		rows := n
		if o.Method == Exact {
			rows = 300
		}
		e, err := Fit(context.Background(), x[:rows*64], rows, o)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if err := binary.Write(h, binary.LittleEndian, e.Y); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(h.Sum(nil)[:8]); got != c.want {
			t.Errorf("%s: the map's hash is %s: want %s (KL %v, %d iterations)", c.name, got,
				c.want, e.KL, e.Iterations)
		}
	}
}

// The divergence of a few hundred iterations is below that of scikit-learn's thousand.
func TestAutoScheduleReachesSklearnsKL(t *testing.T) {
	golden := readGolden(t)
	x, n := readDigits(t)
	best := math.Inf(1)
	for _, kl := range golden.DigitsKL {
		best = min(best, kl)
	}
	e, err := Fit(context.Background(), x, n, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	exact, err := KL(testAffinities(t, x, n, 91, 30), e.Y, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("KL over all pairs %.4f; scikit-learn %v", exact, golden.DigitsKL)
	if exact > best {
		t.Errorf("KL is %v: scikit-learn reaches %v", exact, best)
	}
	if e.Iterations != autoIterations(n) || e.Stop != StopIterations ||
		e.Schedule != ScheduleAuto {
		t.Errorf("%d iterations, stop %q, schedule %v", e.Iterations, e.Stop, e.Schedule)
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name                      string
		n                         int
		set                       func(*Options)
		iterations, exaggerated   int
		first, last               float64 // rates
		firstMomentum, lastMoment float32
	}{
		{"many rows", 48000, nil, 379, 80, 1000, 48000, 0.9, 0.95},
		{"few rows", 480, nil, 491, 80, 10, 480, 0.9, 0.95},
		{"exaggeration", 48000, func(o *Options) { o.EarlyExaggeration = 4 }, 379, 80, 3000, 48000,
			0.9, 0.95},
		{"more iterations", 48000, func(o *Options) { o.Iterations = 1000 }, 1000, 80, 1000, 48000,
			0.9, 0.95},
		{"fewer iterations", 48000, func(o *Options) { o.Iterations = 66 }, 66, 14, 1000, 48000,
			0.9, 0.95},
		{"exaggerated iterations", 48000, func(o *Options) { o.ExaggerationIterations = 30 }, 379,
			30, 1000, 48000, 0.9, 0.95},
		{"rate", 48000, func(o *Options) { o.LearningRate = 7 }, 379, 80, 7, 7, 0.9, 0.95},
		{"scikit-learn", 48000, func(o *Options) { *o = ScikitLearnOptions() }, 1000, 250, 1000,
			1000, 0.5, 0.8},
		{"scikit-learn, few rows", 480, func(o *Options) { *o = ScikitLearnOptions() }, 1000, 250,
			50, 50, 0.5, 0.8},
		{"scikit-learn, 0", 480, func(o *Options) { o.Schedule = ScheduleScikitLearn }, 0, 0, 50,
			50, 0.5, 0.8},
	} {
		o := DefaultOptions()
		if c.set != nil {
			c.set(&o)
		}
		p := newPlan(o, c.n)
		first, m0 := p.at(0, 0)
		last, m1 := p.at(1, p.iterations)
		if p.iterations != c.iterations || p.exaggerated != c.exaggerated ||
			first != float32(c.first) || last != float32(c.last) ||
			m0 != c.firstMomentum || m1 != c.lastMoment {
			t.Errorf("%s: %d iterations, %d exaggerated, rates %v to %v, momentum %v to %v",
				c.name, p.iterations, p.exaggerated, first, last, m0, m1)
		}
		// The rate only rises, without a jump.
		for i := range p.growth {
			rate, _ := p.at(1, i)
			if rate < first || float64(rate) > 1.5*float64(first) || rate > last {
				t.Errorf("%s: the rate goes from %v to %v", c.name, first, rate)
			}
			first = rate
		}
	}
}

// Points move by at most √n/60, even where the rate is far too large.
func TestAutoScheduleBoundsSteps(t *testing.T) {
	const n = 400
	x := blobs(n, 10, 4, 5, 1)
	for components := 1; components <= 3; components++ {
		o := DefaultOptions()
		o.Components, o.LearningRate = components, 1e5
		y, err := Start(x, n, o)
		if err != nil {
			t.Fatal(err)
		}
		z, err := NewOptimizer(testAffinities(t, x, n, 91, 30), y, o)
		if err != nil {
			t.Fatal(err)
		}
		longest := 0.0
		for range 60 {
			if _, err := z.Step(); err != nil {
				t.Fatal(err)
			}
			next := z.Positions()
			for i := range n {
				var squares float64
				for c := range components {
					d := float64(next[i*components+c] - y[i*components+c])
					squares += d * d
				}
				longest = max(longest, math.Sqrt(squares))
			}
			y = next
		}
		z.Close()
		if bound := math.Sqrt(n) / 60; longest > 1.001*bound || longest < 0.9*bound {
			t.Errorf("%d components: the longest step is %v: want up to %v", components, longest,
				bound)
		}
	}
}

func TestDivergenceReturnsMapAndError(t *testing.T) {
	o := DefaultOptions()
	o.Perplexity, o.LearningRate = 5, 1e30
	e, err := Fit(context.Background(), normalRows(50, 3, 1), 50, o)
	if err == nil || e == nil || e.Iterations != 50 || len(e.Y) != 100 {
		t.Errorf("embedding %v, error %v", e, err)
	}
}

func TestNewOptimizerChecksAffinities(t *testing.T) {
	good := func() *Affinities {
		return &Affinities{N: 3, Start: []int{0, 1, 3, 4}, Columns: []int32{1, 0, 2, 1},
			P: []float32{0.25, 0.25, 0.25, 0.25}}
	}
	for _, c := range []struct {
		name string
		set  func(*Affinities)
		want string // "" where they are good
	}{
		{"good", func(a *Affinities) {}, ""},
		{"no rows", func(a *Affinities) { a.N = 0 }, "want N of at least 1"},
		{"few starts", func(a *Affinities) { a.N = 4 }, "N + 1 starts"},
		{"first start", func(a *Affinities) { a.Start[0] = 1 }, "N + 1 starts"},
		{"last start", func(a *Affinities) { a.Start[3] = 5 }, "N + 1 starts"},
		{"falling starts", func(a *Affinities) { a.Start[1] = 4 }, "row 1 ends before it starts"},
		{"start too large", func(a *Affinities) { a.Start[1] = 9 }, "row 1 ends before it starts"},
		{"few values", func(a *Affinities) { a.P = a.P[:3] }, "as many columns as probabilities"},
		{"column", func(a *Affinities) { a.Columns[1] = 3 }, "row 1 has column 3"},
		{"negative column", func(a *Affinities) { a.Columns[1] = -1 }, "row 1 has column -1"},
		{"own column", func(a *Affinities) { a.Columns[1] = 1 }, "row 1 has column 1"},
		{"NaN", func(a *Affinities) { a.P[3] = float32(math.NaN()) }, "row 2, column 1 is NaN"},
		{"negative", func(a *Affinities) { a.P[0] = -1 }, "row 0, column 1 is -1"},
	} {
		a := good()
		c.set(a)
		z, err := NewOptimizer(a, make([]float32, 6), DefaultOptions())
		if err == nil {
			z.Close()
		}
		if c.want == "" && err != nil || c.want != "" &&
			(err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v: want %q", c.name, err, c.want)
		}
	}
	if _, err := NewOptimizer(nil, nil, DefaultOptions()); err == nil {
		t.Error("nil affinities are no error")
	}
}
