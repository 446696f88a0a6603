package tsne

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

type sparse struct {
	Start   []int
	Columns []int32
	P       []float64
}

// features is what testdata/golden.py computed with scikit-learn and openTSNE.
type features struct {
	Cosine, Multiscale, Uniform sparse
	Y                           []float32
	Alpha                       map[string]struct {
		KL       float64
		Gradient []float64
	}
}

func readFeatures(t testing.TB) features {
	t.Helper()
	data, err := os.ReadFile("testdata/features.json")
	if err != nil {
		t.Fatal(err)
	}
	var f features
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// affinitiesOf are those that Fit would make of x.
func affinitiesOf(t testing.TB, x []float32, n int, o Options) *Affinities {
	t.Helper()
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	g, err := o.finder(n, len(x)/n).Nearest(context.Background(), x, n, nil, n, o.neighborCount(n))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewMultiscaleAffinities(g, o.perplexities(), o.Threads)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAffinityKindsAgainstPeers(t *testing.T) {
	f := readFeatures(t)
	x := goldenRows(t, readGolden(t))
	for _, c := range []struct {
		name string
		set  func(*Options)
		want sparse
		tol  float64
	}{
		{"cosine", func(o *Options) { o.Metric, o.Perplexity = Cosine, 10 }, f.Cosine, 1e-3},
		{"multiscale", func(o *Options) { o.Perplexities = []float64{5, 20} }, f.Multiscale, 1e-4},
		{"uniform", func(o *Options) { o.Kernel, o.Perplexity = UniformKernel, 15.5 }, f.Uniform,
			1e-6},
	} {
		o := DefaultOptions()
		c.set(&o)
		a := affinitiesOf(t, x, 100, o)
		if !slices.Equal(a.Start, c.want.Start) || !slices.Equal(a.Columns, c.want.Columns) {
			t.Errorf("%s: P has other entries than the peer's", c.name)
			continue
		}
		for i, want := range c.want.P {
			if got := float64(a.P[i]); math.Abs(got-want) > c.tol*want+1e-8 {
				t.Errorf("%s: entry %d is %v: want %v", c.name, i, got, want)
				break
			}
		}
	}
}

// The same bytes for any number of threads, with every option that changes forces or affinities.
func TestFeaturesIgnoreThreads(t *testing.T) {
	x := blobs(500, 20, 6, 2, 1)
	g, err := ExactNeighbors{}.Nearest(context.Background(), x, 500, nil, 500, 31)
	if err != nil {
		t.Fatal(err)
	}
	later := DefaultTransformOptions()
	later.Iterations = 20
	for name, set := range map[string]func(*Options){
		"cosine":      func(o *Options) { o.Metric = Cosine },
		"alpha":       func(o *Options) { o.Alpha = 0.6 },
		"alpha in 3d": func(o *Options) { o.Alpha, o.Components = 1.7, 3 },
		"late":        func(o *Options) { o.LateExaggeration = 4 },
		"multiscale":  func(o *Options) { o.Perplexities = []float64{5, 50} },
		"uniform":     func(o *Options) { o.Kernel = UniformKernel },
		"graph":       func(o *Options) { o.Graph = g },
	} {
		var first []float32
		for _, threads := range []int{1, 2, 3, 7} {
			o := quick()
			o.Iterations, o.Threads = 60, threads
			set(&o)
			e, err := Fit(context.Background(), x, 500, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			y, err := e.Transform(context.Background(), x[:20*100], 100, later)
			if err != nil || !finite(y) {
				t.Fatalf("%s: %v", name, err)
			}
			if y = append(y, e.Y...); first == nil {
				first = y
			}
			if !slices.Equal(y, first) {
				t.Errorf("%s: %d threads give another map", name, threads)
			}
		}
	}
}

// Late exaggeration draws clusters together: the map is smaller.
func TestLateExaggerationShrinksTheMap(t *testing.T) {
	x := blobs(300, 10, 3, 2, 1)
	size := func(exaggeration float64) float64 {
		o := quick()
		o.Iterations, o.LateExaggeration = 250, exaggeration
		e, err := Fit(context.Background(), x, 300, o)
		if err != nil {
			t.Fatal(err)
		}
		var squares float64
		for _, v := range e.Y {
			squares += float64(v) * float64(v)
		}
		return math.Sqrt(squares)
	}
	if late, plain := size(4), size(1); late > 0.8*plain {
		t.Errorf("size %v with late exaggeration, %v without", late, plain)
	}
}

func TestCosineErrors(t *testing.T) {
	x := normalRows(50, 3, 1)
	clear(x[9:12])
	o := quick()
	o.Metric = Cosine
	if _, err := Fit(context.Background(), x, 50, o); err == nil ||
		!strings.Contains(err.Error(), "row 3 is all zeros") {
		t.Errorf("error %v", err)
	}
}

// Lengths of rows do not matter to the cosine.
func TestCosineIgnoresLength(t *testing.T) {
	x := normalRows(100, 5, 1)
	scaled := slices.Clone(x)
	for i := range scaled {
		scaled[i] *= float32(int(1) << (i / 5 % 7)) // exact
	}
	o := quick()
	o.Metric, o.Init = Cosine, InitRandom
	a, err := Fit(context.Background(), x, 100, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Fit(context.Background(), scaled, 100, o)
	if err != nil || !slices.Equal(a.Y, b.Y) {
		t.Errorf("another map, error %v", err)
	}
}

func TestParseMetricAndKernel(t *testing.T) {
	for _, m := range []Metric{Euclidean, Cosine} {
		if got, err := ParseMetric(m.String()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	for _, k := range []Kernel{GaussianKernel, UniformKernel} {
		if got, err := ParseKernel(k.String()); err != nil || got != k {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	if _, err := ParseMetric("manhattan"); err == nil {
		t.Error("metric manhattan is no error")
	}
	if _, err := ParseKernel("cauchy"); err == nil {
		t.Error("kernel cauchy is no error")
	}
}
