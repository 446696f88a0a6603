package tsne

import (
	"context"
	"math"
	"slices"
	"testing"
)

func TestAffinitiesAgainstSklearn(t *testing.T) {
	g := readGolden(t)
	a := testAffinities(t, goldenRows(t, g), g.Rows, int(3*g.Perplexity+1), g.Perplexity)
	if !slices.Equal(a.Start, g.Start) || !slices.Equal(a.Columns, g.Columns) {
		t.Fatal("P has other entries than scikit-learn's")
	}
	// scikit-learn's search stops at an entropy error of 1e-5.
	for i, want := range g.P {
		if got := float64(a.P[i]); math.Abs(got-want) > 1e-4*want+1e-8 {
			t.Fatalf("entry %d is %v: want %v", i, got, want)
		}
	}
}

func TestAffinitiesInvariants(t *testing.T) {
	digits, n := readDigits(t)
	for _, c := range []struct {
		name       string
		x          []float32
		n          int
		perplexity float64
	}{
		{"digits", digits, n, 30},
		{"duplicates", duplicates(normalRows(200, 5, 1), 5), 200, 10},
		{"all the same", make([]float32, 50*3), 50, 5},
		{"four rows", normalRows(4, 3, 2), 4, 1},
		{"perplexity 1", normalRows(100, 3, 3), 100, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testAffinities(t, c.x, c.n, min(c.n-1, int(3*c.perplexity+1)), c.perplexity)
			if _, s := a.joint().sums(newPool(1)); math.Abs(s-1) > 1e-5 {
				t.Errorf("P sums to %v", s)
			}
			at := map[[2]int32]float32{}
			for i := range a.N {
				row := a.Columns[a.Start[i]:a.Start[i+1]]
				if !slices.IsSorted(row) || slices.Contains(row, int32(i)) {
					t.Fatalf("row %d has columns %v", i, row)
				}
				for j, c := range row {
					v := a.P[a.Start[i]+j]
					if !(v >= 0 && v <= 1) {
						t.Fatalf("P is %v", v)
					}
					at[[2]int32{int32(i), c}] = v
				}
			}
			for ij, v := range at {
				if w := at[[2]int32{ij[1], ij[0]}]; w != v {
					t.Fatalf("P at %v is %v, its mirror %v", ij, v, w)
				}
			}
		})
	}
}

func TestPerplexityIsAsAsked(t *testing.T) {
	digits, n := readDigits(t)
	g, err := ExactNeighbors{}.Nearest(context.Background(), digits, n, nil, 0, 121)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]float64, g.K)
	for _, perplexity := range []float64{1.5, 5, 30, 100} {
		for i := range n {
			d := g.Distance[i*g.K : (i+1)*g.K]
			if float64(equalFirst(d)) >= perplexity {
				continue // that many equally near rows: no width gives less
			}
			conditional(p, d, perplexity)
			var entropy float64
			for _, v := range p {
				if v > 0 {
					entropy -= v * math.Log(v)
				}
			}
			if got := math.Exp(entropy); math.Abs(got-perplexity) > 1e-4 {
				t.Fatalf("row %d has perplexity %v: want %v", i, got, perplexity)
			}
		}
	}
}

// equalFirst counts the values equal to the first.
func equalFirst(d []float32) (n int) {
	for n < len(d) && d[n] == d[0] {
		n++
	}
	return n
}

func TestAffinitiesIgnoreThreads(t *testing.T) {
	x := normalRows(500, 8, 1)
	g, err := ExactNeighbors{}.Nearest(context.Background(), x, 500, nil, 0, 31)
	if err != nil {
		t.Fatal(err)
	}
	first, err := NewAffinities(g, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{2, 3, 7} {
		a, err := NewAffinities(g, 10, threads)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Start, first.Start) || !slices.Equal(a.Columns, first.Columns) ||
			!slices.Equal(a.P, first.P) {
			t.Fatalf("%d threads give another P", threads)
		}
	}
	if _, err := NewAffinities(g, 40, 1); err == nil {
		t.Error("perplexity 40 of 31 neighbours is no error")
	}
}
