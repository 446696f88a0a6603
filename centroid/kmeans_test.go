package centroid

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestLloydAsScikitLearn(t *testing.T) {
	for i, g := range readGolden(t).KMeans {
		o := DefaultKMeansOptions()
		o.K, o.Tolerance = g.K, g.Tol
		d := len(g.X) / g.Rows
		l := newLloyd(g.X, g.Rows, d, o)
		for k := range g.K {
			l.centers.set(k, g.Init[k*d:(k+1)*d])
		}
		c, err := l.run(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Converged || !slices.Equal(c.Labels, g.Labels) {
			t.Errorf("case %d: converged %v; labels\n%v, want\n%v", i, c.Converged, c.Labels,
				g.Labels)
		}
		for j, v := range c.Centroids.Centers {
			if !close(float64(v), float64(g.Centers[j]), 1e-5) {
				t.Errorf("case %d: centre value %d is %v, want %v", i, j, v, g.Centers[j])
			}
		}
		// scikit-learn sums in float32.
		if !close(c.Inertia, g.Inertia, 1e-4) {
			t.Errorf("case %d: inertia %v, want %v", i, c.Inertia, g.Inertia)
		}
		if c, err = KMeans(t.Context(), g.X, g.Rows, o); err != nil ||
			c.Inertia > g.BestInertia*1.001 {
			t.Errorf("case %d: best inertia %v, scikit-learn's %v (%v)", i, c.Inertia,
				g.BestInertia, err)
		}
	}
}

// TestLloydWithoutBounds compares with iterations that compute every distance.
func TestLloydWithoutBounds(t *testing.T) {
	for _, m := range []Metric{Euclidean, Cosine} {
		const n, d, k = 2000, 6, 9
		x, _ := blobs(n, d, 5, 1.5, 11)
		if m == Cosine {
			x = normalize(x, n, d)
		}
		o := DefaultKMeansOptions()
		o.K, o.Metric, o.Tolerance = k, m, 0
		l := newLloyd(x, n, d, o)
		c := &Centroids{Classes: make([]int, k), Centers: slices.Clone(x[:k*d]), Dim: d}
		for i := range k {
			c.Classes[i] = i
			l.centers.set(i, x[i*d:(i+1)*d])
		}
		got, err := l.run(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for range got.Iterations {
			labels, err := c.Predict(x, n)
			if err != nil {
				t.Fatal(err)
			}
			if c, err = Fit(x, n, labels, Euclidean); err != nil {
				t.Fatal(err)
			}
			if m == Cosine {
				c.Centers = normalize(c.Centers, k, d)
			}
		}
		want, err := c.Predict(x, n)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Labels, want) {
			t.Errorf("%v: labels differ from plain iterations", m)
		}
		var inertia float64
		for i, label := range want {
			for j := range d {
				diff := float64(x[i*d+j]) - float64(c.Centers[label*d+j])
				inertia += diff * diff
			}
		}
		if !close(got.Inertia, inertia, 1e-6) {
			t.Errorf("%v: inertia %v, want %v", m, got.Inertia, inertia)
		}
	}
}

func TestKMeansFindsBlobs(t *testing.T) {
	x, labels := blobs(2000, 20, 10, 0.3, 7)
	for _, m := range []Metric{Euclidean, Cosine} {
		o := DefaultKMeansOptions()
		o.Metric = m
		c, err := KMeans(t.Context(), x, 2000, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, accuracy := Match(c.Labels, labels); accuracy < 0.99 {
			t.Errorf("%v: accuracy %v, want at least 0.99", m, accuracy)
		}
		again, err := c.Centroids.Predict(x, 2000)
		if err != nil || !slices.Equal(again, c.Labels) {
			t.Errorf("%v: Predict gives other labels than KMeans (%v)", m, err)
		}
		counts := make([]int, o.K)
		for _, k := range c.Labels {
			counts[k]++
		}
		if !slices.Equal(counts, c.Centroids.Counts) {
			t.Errorf("%v: counts %v, want %v", m, c.Centroids.Counts, counts)
		}
	}
}

func TestKMeansDegenerate(t *testing.T) {
	o := DefaultKMeansOptions()
	for name, test := range map[string]struct {
		x       []float32
		n, k    int
		inertia float64
		used    int
	}{
		"one row":                 {[]float32{3, 4}, 1, 1, 0, 1},
		"one cluster":             {[]float32{0, 2, 4}, 3, 1, 8, 1},
		"a cluster a row":         {[]float32{0, 5, 9, -7}, 4, 4, 0, 4},
		"equal rows":              {[]float32{1, 1, 1, 1, 1, 1}, 6, 3, 0, 1},
		"fewer rows than K":       {[]float32{1, 1, 2, 2, 2, 1}, 6, 4, 0, 2},
		"zero rows":               {make([]float32, 8), 4, 2, 0, 1},
		"huge values":             {[]float32{3e38, -3e38, 3e38, -3e38}, 4, 2, 0, 2},
		"tiny values":             {[]float32{1e-38, 0, 1e-38, 0}, 4, 2, 0, 2},
		"far from zero, close by": {[]float32{10000, 10000.001, 20000, 20000.002}, 4, 2, 0, 2},
	} {
		for _, m := range []Metric{Euclidean, Cosine} {
			o.K, o.Metric = test.k, m
			c, err := KMeans(t.Context(), test.x, test.n, o)
			if err != nil {
				t.Errorf("%s, %v: %v", name, m, err)
				continue
			}
			used := make(map[int]bool)
			for _, l := range c.Labels {
				used[l] = true
			}
			if m == Euclidean &&
				(math.Abs(c.Inertia-test.inertia) > 1e-5 || len(used) != test.used) {
				t.Errorf("%s: inertia %v in %d clusters, want %v in %d", name, c.Inertia,
					len(used), test.inertia, test.used)
			}
			for _, v := range c.Centroids.Centers {
				if !finite(float64(v)) {
					t.Errorf("%s, %v: centre value %v", name, m, v)
				}
			}
		}
	}
}

func TestKMeansBadInput(t *testing.T) {
	x := []float32{1, 2, 3, 4}
	for name, test := range map[string]struct {
		x      []float32
		n      int
		change func(*KMeansOptions)
		want   string
	}{
		"K above n": {x, 4, func(o *KMeansOptions) { o.K = 5 }, "5 clusters for 4 rows"},
		"K 0":       {x, 4, func(o *KMeansOptions) { o.K = 0 }, "K is 0"},
		"starts":    {x, 4, func(o *KMeansOptions) { o.Starts = 0 }, "Starts is 0"},
		"iterations": {x, 4, func(o *KMeansOptions) { o.MaxIterations = -1 },
			"MaxIterations is -1"},
		"tolerance": {x, 4, func(o *KMeansOptions) { o.Tolerance = math.NaN() },
			"Tolerance is NaN"},
		"metric":  {x, 4, func(o *KMeansOptions) { o.Metric = 9 }, "metric 9"},
		"NaN":     {[]float32{1, 2, float32(math.NaN())}, 3, nil, "row 2, column 0 is NaN"},
		"no rows": {nil, 0, nil, "0 rows"},
		"ragged":  {x, 3, nil, "4 values do not make 3 rows"},
	} {
		o := DefaultKMeansOptions()
		o.K = 2
		if test.change != nil {
			test.change(&o)
		}
		_, err := KMeans(t.Context(), test.x, test.n, o)
		if err == nil || !strings.HasPrefix(err.Error(), "centroid: ") ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
}

func TestKMeansCancelled(t *testing.T) {
	x, _ := blobs(1000, 8, 4, 3, 1)
	o := DefaultKMeansOptions()
	o.Tolerance = 0
	for _, at := range []int{1, 40} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		o.Progress = func(start, iteration int) {
			if calls++; calls == at {
				cancel()
			}
		}
		c, err := KMeans(ctx, x, 1000, o)
		cancel()
		if !errors.Is(err, context.Canceled) || c == nil || len(c.Labels) != 1000 || calls != at {
			t.Errorf("cancelled at call %d of %d: %v, clustering %v", at, calls, err, c != nil)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := KMeans(ctx, x, 1000, o); c != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v, %v", c, err)
	}
}

func TestMaxIterations(t *testing.T) {
	x, _ := blobs(1000, 8, 4, 3, 1)
	o := DefaultKMeansOptions()
	o.MaxIterations, o.Tolerance, o.Starts = 2, 0, 1
	c, err := KMeans(t.Context(), x, 1000, o)
	if err != nil || c.Converged || c.Iterations != 2 {
		t.Errorf("iterations %d, converged %v, %v; want 2, false", c.Iterations, c.Converged, err)
	}
}
