package tsne

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func quick() Options {
	o := ScikitLearnOptions()
	o.Iterations, o.ExaggerationIterations, o.Perplexity = 120, 50, 10
	return o
}

func finite(y []float32) bool {
	for _, v := range y {
		if v-v != 0 {
			return false
		}
	}
	return true
}

func TestFitReachesSklearnsKL(t *testing.T) {
	golden := readGolden(t)
	x, n := readDigits(t)
	worst := 0.0
	for _, kl := range golden.DigitsKL {
		worst = max(worst, kl)
	}
	e, err := Fit(context.Background(), x, n, ScikitLearnOptions())
	if err != nil {
		t.Fatal(err)
	}
	a := testAffinities(t, x, n, 91, 30)
	exact, err := KL(a, e.Y, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("KL %.4f, over all pairs %.4f; scikit-learn %v", e.KL, exact, golden.DigitsKL)
	if exact > 1.01*worst {
		t.Errorf("KL is %v: scikit-learn reaches %v", exact, worst)
	}
	// The run reports the divergence before its last step, with the tree's normaliser.
	if math.Abs(exact-e.KL) > 0.01*exact {
		t.Errorf("KL is %v: the run reports %v", exact, e.KL)
	}
	if e.Iterations != 1000 || e.Stop != StopIterations || e.N != n || e.Components != 2 {
		t.Errorf("%d iterations, stop %q, %d x %d", e.Iterations, e.Stop, e.N, e.Components)
	}
}

func TestFitExactReachesSklearnsKL(t *testing.T) {
	if testing.Short() {
		t.Skip("500 points, all pairs")
	}
	golden := readGolden(t)
	x, _ := readDigits(t)
	o := ScikitLearnOptions()
	o.Method = Exact
	e, err := Fit(context.Background(), x[:500*64], 500, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("KL %.4f, scikit-learn %.4f", e.KL, golden.ExactKL)
	if e.KL > 1.01*golden.ExactKL {
		t.Errorf("KL is %v: scikit-learn reaches %v", e.KL, golden.ExactKL)
	}
}

func TestFitIgnoresThreads(t *testing.T) {
	x := blobs(900, 20, 6, 2, 1)
	for c := range 6 {
		components, schedule := 1+c/2, Schedule(c%2)
		var first *Embedding
		for _, threads := range []int{1, 2, 3, 7, 1} {
			o := quick()
			o.Threads, o.Components, o.Schedule = threads, components, schedule
			e, err := Fit(context.Background(), x, 900, o)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = e
			}
			if !slices.Equal(e.Y, first.Y) || e.KL != first.KL {
				t.Fatalf("%d components, %v, %d threads: another result than with one", components,
					schedule, threads)
			}
		}
	}
}

func TestFitKeepsClustersApart(t *testing.T) {
	const n = 400
	x := blobs(n, 10, 2, 50, 1)
	for _, method := range []Method{BarnesHut, Exact} {
		o := ScikitLearnOptions()
		o.Method, o.Iterations = method, 500
		e, err := Fit(context.Background(), x, n, o)
		if err != nil {
			t.Fatal(err)
		}
		// Every row's nearest rows in the map are of its own cluster.
		g, err := ExactNeighbors{}.Nearest(context.Background(), e.Y, n, nil, 0, 20)
		if err != nil {
			t.Fatal(err)
		}
		for i, j := range g.Index {
			if i/g.K%2 != int(j)%2 {
				t.Fatalf("%v: row %d has row %d of the other cluster near it", method, i/g.K, j)
			}
		}
	}
}

func TestFitOddData(t *testing.T) {
	line := make([]float32, 100*3)
	constant := normalRows(100, 3, 2)
	far := normalRows(100, 3, 4)
	for i := range 100 {
		line[3*i], line[3*i+1], line[3*i+2] = float32(i), float32(2*i), float32(3*i)
		constant[3*i+1] = 7
		far[3*i] += 1e6
	}
	outlier := normalRows(100, 3, 5)
	outlier[0] = 1e8
	for _, c := range []struct {
		name       string
		x          []float32
		n          int
		perplexity float64
	}{
		{"two rows", []float32{0, 1}, 2, 1},
		{"four rows", normalRows(4, 3, 1), 4, 1},
		{"four rows, perplexity 3.9", normalRows(4, 3, 1), 4, 3.9},
		{"collinear", line, 100, 10},
		{"constant column", constant, 100, 10},
		{"duplicates", duplicates(normalRows(100, 3, 3), 3), 100, 10},
		{"all the same", make([]float32, 300), 100, 10},
		{"one column", normalRows(100, 1, 6), 100, 10},
		{"far from zero", far, 100, 10},
		{"outlier", outlier, 100, 10},
		{"tiny", blobs(100, 3, 3, 0, 7), 100, 10},
	} {
		for components := 1; components <= 3; components++ {
			for _, method := range []Method{BarnesHut, Exact} {
				for _, init := range []Init{InitPCA, InitRandom} {
					o := quick()
					o.Schedule = Schedule((components + int(method) + int(init)) % 2)
					o.Perplexity, o.Components, o.Method, o.Init = c.perplexity, components,
						method, init
					e, err := Fit(context.Background(), c.x, c.n, o)
					if err != nil {
						t.Fatalf("%s, %d components, %v, %v: %v", c.name, components, method, init,
							err)
					}
					if !finite(e.Y) || len(e.Y) != c.n*components {
						t.Fatalf("%s, %d components, %v, %v: map %v", c.name, components, method,
							init, e.Y)
					}
				}
			}
		}
	}
}

func TestFitErrors(t *testing.T) {
	x := normalRows(50, 3, 1)
	hole := slices.Clone(x)
	hole[50] = float32(math.NaN())
	for _, c := range []struct {
		name string
		x    []float32
		n    int
		set  func(*Options)
		want string
	}{
		{"empty", nil, 0, nil, "empty"},
		{"one row", x, 1, func(o *Options) { o.Perplexity = 1 }, "there is 1 row"},
		{"exact and rows", make([]float32, 70000), 70000, func(o *Options) { o.Method = Exact },
			"less than 2^32"},
		{"ragged", x, 49, nil, "cannot be 49 rows"},
		{"NaN", hole, 50, nil, "row 16, column 2 is NaN"},
		{"perplexity and rows", x, 50, func(o *Options) { o.Perplexity = 50 },
			"too large for 50 rows"},
		{"huge", []float32{1e30, 2, 3e30, 4, 5, 6, 7, 8}, 4, func(o *Options) { o.Perplexity = 1 },
			"rescale"},
		{"initial", x, 50, func(o *Options) { o.Init = InitGiven; o.Initial = x },
			"Options.Initial is 150 values"},
		{"initial without", x, 50, func(o *Options) { o.Initial = x[:100] },
			"Options.Init is pca"},
		{"components", x, 50, func(o *Options) { o.Components = 4 }, "Options.Components is 4"},
		{"perplexity", x, 50, func(o *Options) { o.Perplexity = 0.5 },
			"Options.Perplexity is 0.5"},
		{"theta", x, 50, func(o *Options) { o.Theta = math.NaN() }, "Options.Theta is NaN"},
		{"exaggeration", x, 50, func(o *Options) { o.EarlyExaggeration = 0 },
			"Options.EarlyExaggeration is 0"},
		{"exaggeration iterations", x, 50, func(o *Options) { o.ExaggerationIterations = -1 },
			"Options.ExaggerationIterations is -1"},
		{"iterations", x, 50, func(o *Options) { o.Iterations = -1 }, "Options.Iterations is -1"},
		{"rate", x, 50, func(o *Options) { o.LearningRate = -1 }, "Options.LearningRate is -1"},
		{"diverging", x, 50, func(o *Options) { o.LearningRate = 1e30 },
			"lower the learning rate"},
		{"threads", x, 50, func(o *Options) { o.Threads = -1 }, "Options.Threads is -1"},
		{"schedule", x, 50, func(o *Options) { o.Schedule = 9 },
			"Options.Schedule is Schedule(9)"},
		{"diverging, auto", x, 50,
			func(o *Options) {
				o.Schedule, o.LearningRate = ScheduleAuto,
					1e30
			}, "lower the learning rate"},
		{"method", x, 50, func(o *Options) { o.Method = 9 }, "Options.Method is Method(9)"},
		{"init", x, 50, func(o *Options) { o.Init = 9 }, "Options.Init is Init(9)"},
		{"no progress", x, 50, func(o *Options) { o.NoProgress = -1 }, "Options.NoProgress is -1"},
		{"gradient", x, 50, func(o *Options) { o.MinGradient = -1 }, "Options.MinGradient is -1"},
	} {
		o := quick()
		if c.set != nil {
			c.set(&o)
		}
		if _, err := Fit(context.Background(), c.x, c.n, o); err == nil ||
			!strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tsne: ") {
			t.Errorf("%s: error %v: want one with %q", c.name, err, c.want)
		}
	}
}

func TestFitCanceled(t *testing.T) {
	x := normalRows(100, 3, 1)
	ctx, cancel := context.WithCancel(context.Background())
	o := quick()
	o.Iterations = 1 << 30
	o.NoProgress, o.MinGradient = 0, 0
	o.Progress = func(p Progress) {
		if p.Iteration == 77 {
			cancel()
		}
	}
	e, err := Fit(ctx, x, 100, o)
	if !errors.Is(err, context.Canceled) || e == nil || e.Iterations != 77 ||
		e.Stop != StopCanceled || !finite(e.Y) {
		t.Fatalf("embedding %+v, error %v", e, err)
	}
	o.Iterations, o.Progress = 77, nil
	want, err := Fit(context.Background(), x, 100, o)
	if err != nil || !slices.Equal(e.Y, want.Y) {
		t.Fatalf("not the map of 77 iterations (error %v)", err)
	}
	if e, err := Fit(ctx, x, 100, o); !errors.Is(err, context.Canceled) || e != nil {
		t.Fatalf("canceled before the start: embedding %v, error %v", e, err)
	}
	for _, init := range []Init{InitRandom, InitPCA} { // the latter looks at the context itself
		ctx, cancel := context.WithCancel(context.Background())
		o.Init = init
		o.Progress = func(p Progress) {
			if p.Stage == StageInit {
				cancel()
			}
		}
		if e, err := Fit(ctx, x, 100, o); !errors.Is(err, context.Canceled) || e != nil {
			t.Fatalf("canceled between start and first step, %v: embedding %v, error %v", init, e,
				err)
		}
	}
}

func TestFitStops(t *testing.T) {
	x := normalRows(60, 3, 1)
	o := quick()
	o.Iterations, o.MinGradient = 5000, 1e9
	e, err := Fit(context.Background(), x, 60, o)
	if err != nil || e.Stop != StopGradient || e.Iterations != 100 {
		t.Errorf("a gradient below the limit: %d iterations, stop %q, error %v", e.Iterations,
			e.Stop, err)
	}
	o.MinGradient, o.NoProgress = 0, 60
	e, err = Fit(context.Background(), x, 60, o)
	if err != nil || e.Stop != StopNoProgress || e.Iterations >= 5000 {
		t.Errorf("no progress: %d iterations, stop %q, error %v", e.Iterations, e.Stop, err)
	}
	o.Iterations = 0
	e, err = Fit(context.Background(), x, 60, o)
	if err != nil || e.Stop != StopIterations || e.Iterations != 0 || !math.IsNaN(e.KL) {
		t.Errorf("no iterations: %+v, error %v", e, err)
	}
}

func TestFitProgress(t *testing.T) {
	var stages []Stage
	count := 0
	o := quick()
	o.Progress = func(p Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
		if p.Iteration > 0 {
			count++
			if p.Iteration != count || p.Iterations != 120 || math.IsNaN(p.KL) != (count < 50) {
				t.Fatalf("call %d: %+v", count, p)
			}
		}
	}
	if _, err := Fit(context.Background(), normalRows(100, 3, 1), 100, o); err != nil {
		t.Fatal(err)
	}
	if want := []Stage{StageNeighbors, StageAffinities, StageInit, StageExaggeration,
		StageOptimize}; !slices.Equal(stages, want) || count != 120 {
		t.Errorf("stages %v, %d iterations", stages, count)
	}
}

func TestStartPCAAgainstSklearn(t *testing.T) {
	golden := readGolden(t)
	x, n := readDigits(t)
	y, err := Start(x, n, ScikitLearnOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range golden.PCA {
		for c, want := range row {
			if got := float64(y[2*i+c]); math.Abs(got-want) > 1e-3*startScale {
				t.Errorf("row %d, component %d starts at %v: want %v", i, c, got, want)
			}
		}
	}
}

func TestStartGivenAndRandom(t *testing.T) {
	x := normalRows(500, 3, 1)
	o := ScikitLearnOptions()
	o.Init, o.Initial = InitGiven, normalRows(500, 2, 2)
	if y, err := Start(x, 500, o); err != nil || !slices.Equal(y, o.Initial) {
		t.Errorf("given: error %v or other values", err)
	}
	o.Init, o.Initial = InitRandom, nil
	a, err := Start(x, 500, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Seed = 1
	b, err := Start(x, 500, o)
	if err != nil || slices.Equal(a, b) {
		t.Errorf("two seeds give the same start (error %v)", err)
	}
	var squares float64
	for _, v := range a {
		squares += float64(v) * float64(v)
	}
	if std := math.Sqrt(squares / 1000); math.Abs(std/startScale-1) > 0.1 {
		t.Errorf("standard deviation %v: want %v", std, startScale)
	}
}

func TestParse(t *testing.T) {
	for _, m := range []Method{BarnesHut, Exact} {
		if got, err := ParseMethod(m.String()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	for _, s := range []Schedule{ScheduleAuto, ScheduleScikitLearn} {
		if got, err := ParseSchedule(s.String()); err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	if _, err := ParseSchedule("fast"); err == nil {
		t.Error("schedule fast is no error")
	}
	for _, i := range []Init{InitPCA, InitRandom, InitGiven} {
		if got, err := ParseInit(i.String()); err != nil || got != i {
			t.Errorf("%v: %v, %v", i, got, err)
		}
	}
	if _, err := ParseMethod("fft"); err == nil {
		t.Error("method fft is no error")
	}
	if _, err := ParseInit("spectral"); err == nil {
		t.Error("init spectral is no error")
	}
}

func BenchmarkFit(b *testing.B) {
	x := blobs(2000, 50, 10, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Fit(context.Background(), x, 2000, ScikitLearnOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
