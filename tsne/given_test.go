package tsne

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A graph or affinities from elsewhere give the map that Fit's own would, with rows and without.
func TestFitGivenGraphAndAffinities(t *testing.T) {
	const n = 300
	ctx, x := context.Background(), blobs(n, 10, 3, 3, 1)
	o := quick()
	o.Init = InitRandom
	want, err := Fit(ctx, x, n, o)
	if err != nil {
		t.Fatal(err)
	}
	g, err := ExactNeighbors{}.Nearest(ctx, x, n, nil, n, 60) // more than are needed
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(g.Distance)
	graph, given := o, o
	graph.Graph = g
	given.Affinities = affinitiesOf(t, x, n, o)
	for name, o := range map[string]Options{"graph": graph, "affinities": given} {
		for _, x := range [][]float32{x, nil} {
			e, err := Fit(ctx, x, n, o)
			if err != nil || !slices.Equal(e.Y, want.Y) {
				t.Fatalf("%s: another map, error %v", name, err)
			}
			if e.Columns() != len(x)/n {
				t.Errorf("%s: %d columns", name, e.Columns())
			}
			if _, err := e.Transform(ctx, normalRows(5, 10, 3), 5,
				DefaultTransformOptions()); (err == nil) != (x != nil) {
				t.Errorf("%s: transform's error is %v", name, err)
			}
		}
	}
	if !slices.Equal(before, g.Distance) {
		t.Error("the graph changed")
	}
	short := o // rows of one neighbour beside full ones
	short.Graph = g.nearest(31)
	for i := range n / 2 {
		for j := 1; j < 31; j++ {
			short.Graph.Index[2*i*31+j] = -1
		}
	}
	if e, err := Fit(ctx, nil, n, short); err != nil || !finite(e.Y) {
		t.Errorf("short rows: error %v", err)
	}
	bad := func(change func(a *Affinities)) Options {
		a := *given.Affinities
		a.Start, a.Columns, a.P = slices.Clone(a.Start), slices.Clone(a.Columns), slices.Clone(a.P)
		change(&a)
		o := given
		o.Affinities = &a
		return o
	}
	few := o
	few.Graph = g.nearest(8)
	pca := graph
	pca.Init = InitPCA
	for _, c := range []struct {
		o    Options
		n    int
		want string
	}{
		{graph, n + 1, "Options.Graph is of 300 rows"},
		{given, n + 1, "Options.Affinities is of 300 rows"},
		{few, n, "Options.Perplexity is 10: want less than 9"},
		{pca, n, "Options.Init is pca"},
		{bad(func(a *Affinities) { a.Columns[0] = 300 }), n, "column 300"},
		{bad(func(a *Affinities) { a.Columns[0] = -1 }), n, "column -1"},
		{bad(func(a *Affinities) { a.Columns[0] = 0 }), n, "without its own"},
		{bad(func(a *Affinities) { a.Columns[1] = a.Columns[0] }), n, "rising"},
		{bad(func(a *Affinities) { a.P[3] = float32(math.NaN()) }), n, "is NaN"},
		{bad(func(a *Affinities) { a.P[3] = 0.5 }), n, "they sum to"},
		{bad(func(a *Affinities) { a.Start[5] = 1 << 40 }), n, "row 5 ends before it starts"},
		{bad(func(a *Affinities) { a.P = a.P[1:] }), n, "as many columns as probabilities"},
	} {
		if _, err := Fit(ctx, nil, c.n, c.o); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want one with %q", err, c.want)
		}
	}
}

// The callback sees the map of that iteration, and stops the run.
func TestCallback(t *testing.T) {
	x := blobs(200, 5, 3, 3, 1)
	o := quick()
	o.CallbackEvery = 30
	var calls []int
	var seen []float32
	o.Callback = func(iteration int, kl float64, y []float32) bool {
		calls, seen = append(calls, iteration), y
		if math.IsNaN(kl) != (iteration < 50) {
			t.Errorf("KL is %v after %d iterations", kl, iteration)
		}
		return iteration == 90
	}
	e, err := Fit(context.Background(), x, 200, o)
	if err != nil || e.Stop != StopCallback || e.Iterations != 90 ||
		!slices.Equal(calls, []int{30, 60, 90}) || !slices.Equal(e.Y, seen) {
		t.Fatalf("%d iterations, stop %q, calls %v, error %v", e.Iterations, e.Stop, calls, err)
	}
	o.Callback, o.Iterations = nil, 90
	if want, err := Fit(context.Background(), x, 200, o); err != nil ||
		!slices.Equal(e.Y, want.Y) {
		t.Errorf("not the map of 90 iterations, error %v", err)
	}
}

func openFile(t testing.TB, name string) (*bytes.Reader, int64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b), int64(len(b))
}

// What scikit-learn found and NumPy and SciPy wrote gives scikit-learn's P.
func TestReadNeighborGraph(t *testing.T) {
	golden := readGolden(t)
	for _, name := range []string{"knn.npz", "csr.npz"} {
		r, size := openFile(t, name)
		g, err := ReadNeighborGraph(r, size)
		if err != nil || g.N != 100 || g.K != 31 {
			t.Fatalf("%s: %+v, error %v", name, g, err)
		}
		if err := g.check(100, 100, 31, true); err != nil {
			t.Fatal(err)
		}
		a, err := NewAffinities(g, golden.Perplexity, 1)
		if err != nil || !slices.Equal(a.Columns, golden.Columns) {
			t.Fatalf("%s: P has other entries than scikit-learn's, error %v", name, err)
		}
		for i, want := range golden.P {
			if got := float64(a.P[i]); math.Abs(got-want) > 1e-4*want+1e-8 {
				t.Fatalf("%s: entry %d is %v: want %v", name, i, got, want)
			}
		}
	}
}

func TestGraphOf(t *testing.T) {
	inf := float32(math.Inf(1))
	rows := func(k int, index []int32, distance []float32) (*NeighborGraph, error) {
		start := []int64{0}
		for i := range len(index) / k {
			start = append(start, int64((i+1)*k))
		}
		return graphOf(start, index, distance)
	}
	// Out of order, itself, missing, repeated.
	g, err := rows(4, []int32{2, 1, 0, 1, -1, 0, -1, -1, 2, -1, -1, -1},
		[]float32{3, 2, 0, 9, inf, 2, 5, inf, 0, 0, 0, 0})
	if err != nil || g.K != 2 || !slices.Equal(g.Index, []int32{1, 2, 0, -1, -1, -1}) ||
		!slices.Equal(g.Distance[:3], []float32{4, 9, 4}) {
		t.Errorf("%+v, error %v", g, err)
	}
	for want, c := range map[string]struct {
		index    []int32
		distance []float32
	}{
		"row 0 has neighbour 2":          {[]int32{2, 0}, []float32{1, 1}},
		"row 1 has neighbour -2":         {[]int32{1, -2}, []float32{1, 1}},
		"rows 0 and 1 are NaN apart":     {[]int32{1, 0}, []float32{float32(math.NaN()), 1}},
		"rows 0 and 1 are -1 apart":      {[]int32{1, 0}, []float32{-1, 1}},
		"rows 1 and 0 are +Inf apart":    {[]int32{1, 0}, []float32{1, inf}},
		"rows 1 and 0 are 1e+20 apart":   {[]int32{1, 0}, []float32{1, 1e20}},
		"no row has a neighbour but its": {[]int32{0, -1}, []float32{1, 1e20}},
	} {
		if _, err := rows(1, c.index, c.distance); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want one with %q", err, want)
		}
	}
}

// FuzzReadNeighborGraph checks that any file gives a graph that Fit can take, or an error.
func FuzzReadNeighborGraph(f *testing.F) {
	for _, name := range []string{"knn.npz", "csr.npz", "model.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ReadNeighborGraph(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if err := g.check(g.N, g.N, g.K, true); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzGraphOf does the same for what the file's arrays may hold.
func FuzzGraphOf(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 255, 7}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, k uint8) {
		if k == 0 || len(b) < int(k) {
			return
		}
		n := len(b) / int(k)
		start := make([]int64, n+1)
		for i := range start {
			start[i] = int64(i * int(k))
		}
		index, distance := make([]int32, n*int(k)), make([]float32, n*int(k))
		for i := range index {
			index[i] = int32(int8(b[i]))
			distance[i] = float32(b[i]%5) / 2
		}
		g, err := graphOf(start, index, distance)
		if err != nil {
			return
		}
		if err := g.check(n, n, g.K, true); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			seen := map[int32]bool{}
			for j := range g.K {
				at := i*g.K + j
				if g.Index[at] < 0 {
					continue
				}
				if seen[g.Index[at]] || j > 0 &&
					(g.Index[at-1] < 0 || g.Distance[at] < g.Distance[at-1]) {
					t.Fatalf("row %d is %v, %v", i, g.Index[i*g.K:(i+1)*g.K],
						g.Distance[i*g.K:(i+1)*g.K])
				}
				seen[g.Index[at]] = true
			}
		}
	})
}
