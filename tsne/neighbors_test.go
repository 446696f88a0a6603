package tsne

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// foreign is a search that returns what it is told to.
type foreign func(n, m, k int) *NeighborGraph

func (f foreign) Nearest(_ context.Context, _ []float32, n int, _ []float32,
	m, k int) (*NeighborGraph, error) {
	return f(n, m, k), nil
}

// randomGraph returns what a careless search might: short, repeated or unordered lists and, where
// wrong is set, indices and distances that are none. It says whether the graph is valid.
func randomGraph(rng *rand.Rand, n, m, k int, wrong bool) (g *NeighborGraph, valid bool) {
	g = &NeighborGraph{N: m, K: k, Index: make([]int32, m*k), Distance: make([]float32, m*k)}
	for i := range m {
		found := 1 + rng.IntN(k)
		for r := range k {
			j := rng.IntN(n - 1)
			if j >= i {
				j++
			}
			if r > 0 && rng.IntN(3) == 0 {
				j = int(g.Index[i*k+rng.IntN(r)]) // again
			}
			if r >= found {
				j = -1
			}
			g.Index[i*k+r] = int32(j)
			g.Distance[i*k+r] = float32(rng.ExpFloat64())
		}
		if i%3 == 0 {
			rng.Shuffle(k, func(a, b int) {
				x, y := g.Index[i*k:][:k], g.Distance[i*k:][:k]
				x[a], x[b], y[a], y[b] = x[b], x[a], y[b], y[a]
			})
		}
	}
	if !wrong {
		return g, true
	}
	i := rng.IntN(m)
	switch at := i * k; rng.IntN(7) {
	case 0:
		g.Index[at] = int32(n)
	case 1:
		g.Index[at] = -2
	case 2:
		g.Index[at] = int32(i)
	case 3:
		g.Index[at], g.Distance[at] = int32((i+1)%n), float32(math.NaN())
	case 4:
		g.Index[at], g.Distance[at] = int32((i+1)%n), -1
	case 5:
		g.Index = g.Index[:len(g.Index)-1]
	case 6:
		for r := range k {
			g.Index[at+r] = -1
		}
	}
	return g, false
}

func TestForeignNeighbors(t *testing.T) {
	const n = 120
	x := normalRows(n, 3, 1)
	o := DefaultOptions()
	o.Perplexity, o.Iterations, o.ExaggerationIterations = 7, 60, 20
	for seed := range uint64(100) {
		var want bool
		results := [2][]float32{}
		for run := range results {
			rng := rand.New(rand.NewPCG(seed, 1))
			o.Threads = 1 + 2*run
			o.Neighbors = foreign(func(n, m, k int) (g *NeighborGraph) {
				g, want = randomGraph(rng, n, m, k, seed%2 == 1)
				return g
			})
			e, err := Fit(context.Background(), x, n, o)
			switch {
			case want && err != nil:
				t.Fatalf("seed %d: %v", seed, err)
			case !want && (err == nil || !strings.HasPrefix(err.Error(), "tsne: neighbors: ")):
				t.Fatalf("seed %d: a wrong graph gives the error %v", seed, err)
			case want && !slices.ContainsFunc(e.Y, func(v float32) bool { return v-v != 0 }):
				results[run] = e.Y
			case want:
				t.Fatalf("seed %d: positions are not finite", seed)
			}
		}
		if !slices.Equal(results[0], results[1]) {
			t.Fatalf("seed %d: threads change the map", seed)
		}
	}
	o.Neighbors = foreign(func(int, int, int) *NeighborGraph { return nil })
	if _, err := Fit(context.Background(), x, n, o); err == nil {
		t.Error("no graph is no error")
	}
}

// TestAffinitiesOfAnyGraph compares P with the definition, entry by entry.
func TestAffinitiesOfAnyGraph(t *testing.T) {
	const n, k, perplexity = 90, 12, 4
	for seed := range uint64(20) {
		g, _ := randomGraph(rand.New(rand.NewPCG(seed, 2)), n, n, k, false)
		var want [n][n]float64
		for i := range n {
			var index []int32
			var dist []float32
			for r := range k {
				if j := g.Index[i*k+r]; j >= 0 && !slices.Contains(index, j) {
					index, dist = append(index, j), append(dist, g.Distance[i*k+r])
				}
			}
			p := make([]float64, len(dist))
			conditional(p, dist, perplexity)
			for r, j := range index {
				want[i][j] += p[r] / (2 * n)
				want[j][i] += p[r] / (2 * n)
			}
		}
		for _, threads := range []int{1, 3} {
			before := fmt.Sprint(g)
			a, err := NewAffinities(g, perplexity, threads)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(g) != before {
				t.Fatal("the graph was changed")
			}
			if err := a.check(); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				for e := a.Start[i]; e < a.Start[i+1]; e++ {
					at := &want[i][a.Columns[e]]
					if math.Abs(float64(a.P[e])-*at) > 1e-6**at+1e-30 {
						t.Fatalf("seed %d: P[%d][%d] is %v: want %v", seed, i, a.Columns[e],
							a.P[e], *at)
					}
					if threads == 3 {
						*at = 0
					}
				}
			}
		}
		for i := range want {
			for j, v := range want[i] {
				if v > 1e-30 {
					t.Fatalf("seed %d: P lacks %v at %d, %d", seed, v, i, j)
				}
			}
		}
	}
}

func TestAffinitiesErrors(t *testing.T) {
	good := func() *NeighborGraph {
		return &NeighborGraph{N: 3, K: 2, Index: []int32{1, 2, 0, 2, 0, -1},
			Distance: []float32{1, 2, 1, 2, 2, 0}}
	}
	for _, c := range []struct {
		name  string
		spoil func(g *NeighborGraph)
		want  string
	}{
		{"sound", func(*NeighborGraph) {}, ""},
		{"empty", func(g *NeighborGraph) { *g = NeighborGraph{} }, "empty"},
		{"outside", func(g *NeighborGraph) { g.Index[0] = 3 }, "outside 0 to 2"},
		{"itself", func(g *NeighborGraph) { g.Index[0] = 0 }, "its own neighbour"},
		{"not a number", func(g *NeighborGraph) { g.Distance[0] = float32(math.NaN()) }, "finite"},
		{"no distances", func(g *NeighborGraph) { g.Distance = nil }, "3 x 2"},
		{"alone", func(g *NeighborGraph) { g.Index[4] = -1 }, "row 2 has no neighbour"},
	} {
		g := good()
		c.spoil(g)
		a, err := NewAffinities(g, 1.5, 2)
		if (c.want == "") != (err == nil) ||
			(err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v: want %q", c.name, err, c.want)
		}
		if err != nil {
			continue
		}
		if _, err := NewOptimizer(a, make([]float32, 6), DefaultOptions()); err != nil {
			t.Error(err)
		}
		for _, spoil := range []func(){
			func() { a.Columns[0] = 7 }, func() {
				a.Columns[0], a.P[0] = 1,
					-1
			}, func() { a.Start[1] = 9 }, func() { a.Start = nil },
		} {
			spoil()
			if _, err := NewOptimizer(a, make([]float32, 6), DefaultOptions()); err == nil {
				t.Errorf("NewOptimizer takes %+v", a)
			}
		}
	}
}

func TestFitWithApproximateNeighbors(t *testing.T) {
	if testing.Short() {
		t.Skip("five maps")
	}
	digits, n := readDigits(t)
	o := DefaultOptions()
	o.Iterations, o.ExaggerationIterations = 300, 100
	fit := func(neighbors Neighbors, threads int) *Embedding {
		o.Neighbors, o.Threads = neighbors, threads
		last := -1
		o.Progress = func(p Progress) {
			if p.TotalRows == 0 {
				return
			}
			if p.Stage != StageNeighbors || p.Rows < last || p.Rows > p.TotalRows ||
				p.TotalRows != n {
				t.Errorf("progress %+v after %d rows", p, last)
			}
			last = p.Rows
		}
		e, err := Fit(context.Background(), digits, n, o)
		if err != nil {
			t.Fatal(err)
		}
		if last != n {
			t.Errorf("the search's progress ends at %d of %d rows", last, n)
		}
		return e
	}
	exact, first := fit(ExactNeighbors{}, 2), fit(ApproximateNeighbors{}, 1)
	for _, threads := range []int{2, 3, 7} {
		if e := fit(ApproximateNeighbors{}, threads); !slices.Equal(e.Y, first.Y) {
			t.Fatalf("%d threads change the map", threads)
		}
	}
	if math.Abs(first.KL-exact.KL) > 0.02 {
		t.Errorf("KL %v: with exact neighbours %v", first.KL, exact.KL)
	}
	// Rows of the map are rows of the data: near ones are near there too.
	kept, err := NeighborPreservation(context.Background(), digits, n, first.Y, 2, 10, 2)
	if err != nil || kept < 0.4 {
		t.Errorf("%v of the neighbours are kept, error %v", kept, err)
	}
}

func TestAutoNeighbors(t *testing.T) {
	for _, c := range []struct {
		n, d, k int
		want    Neighbors
	}{
		{9_999, 784, 91, ExactNeighbors{}},
		{10_000, 784, 91, ApproximateNeighbors{}},
		{10_000, 784, 301, ExactNeighbors{}},
		{20_000, 50, 301, ApproximateNeighbors{}},
		{1_000_000, 2, 91, ExactNeighbors{}},
	} {
		if got := AutoNeighbors(c.n, c.d, c.k); fmt.Sprintf("%T", got) != fmt.Sprintf("%T",
			c.want) {
			t.Errorf("%d x %d, %d neighbours: %T", c.n, c.d, c.k, got)
		}
	}
}
