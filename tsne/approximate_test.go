package tsne

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// recall returns the share of the exact neighbours that a graph has, by distance: a neighbour as
// near as the k-th counts.
func recall(g *NeighborGraph, x []float32, n int) float64 {
	exact, err := ExactNeighbors{}.Nearest(context.Background(), x, n, nil, n, g.K)
	if err != nil {
		panic(err)
	}
	found := 0
	for i := range n {
		far := exact.Distance[(i+1)*g.K-1]
		for _, v := range g.Distance[i*g.K : (i+1)*g.K] {
			if v <= far {
				found++
			}
		}
	}
	return float64(found) / float64(n*g.K)
}

// curved returns n rows of d values near a curved surface of four dimensions.
func curved(n, d int, seed uint64) []float32 {
	a, b := normalRows(n, 4, seed), normalRows(4*d, 1, seed+1)
	noise := normalRows(n, d, seed+2)
	for i := range noise {
		row, col := i/d, i%d
		var v float32
		for j := range 4 {
			v += a[row*4+j] * b[j*d+col]
		}
		noise[i] = noise[i]/20 + v + v*v/4
	}
	return noise
}

func TestApproximateNeighbors(t *testing.T) {
	digits, digitRows := readDigits(t)
	for _, c := range []struct {
		name string
		x    []float32
		n, k int
		want float64
	}{
		{"digits", digits, digitRows, 31, 0.97},
		{"surface", curved(6000, 20, 1), 6000, 15, 0.97},
		{"wide", curved(4000, 300, 2), 4000, 31, 0.97},
		{"normal", normalRows(3000, 16, 3), 3000, 20, 0.9},
		{"far from zero", shifted(curved(3000, 10, 4), 1000), 3000, 20, 0.97},
		{"one column", normalRows(3000, 1, 5), 3000, 5, 0.97},
		{"duplicates", duplicates(normalRows(3000, 5, 7), 5), 3000, 30, 0.97},
		{"all the same", make([]float32, 5000*70), 5000, 7, 1},
		// In float32, squared norms of 1e8 leave little of squared distances of 100.
		{"far apart", blobs(3000, 70, 2, 3000, 4), 3000, 10, 0.5},
		{"all others", normalRows(300, 6, 8), 300, 299, 1},
		{"two rows", []float32{1, 2, 3, 4}, 2, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first *NeighborGraph
			counts := []int{1, 2, 3, 7}
			if testing.Short() {
				counts = []int{3}
			}
			for _, threads := range counts {
				done := 0
				g, err := ApproximateNeighbors{Threads: threads, Progress: func(now, total int) {
					if now < done || now > total || total != c.n {
						t.Errorf("progress %d of %d after %d", now, total, done)
					}
					done = now
				}}.Nearest(context.Background(), c.x, c.n, nil, c.n, c.k)
				if err != nil {
					t.Fatal(err)
				}
				if done != c.n {
					t.Errorf("progress ends at %d of %d", done, c.n)
				}
				if first == nil {
					first = g
					if err := g.check(c.n, c.n, c.k, true); err != nil {
						t.Fatal(err)
					}
					checkOwn(t, g, c.x)
					if got := recall(g, c.x, c.n); got < c.want {
						t.Errorf("recall is %.4f: want %v", got, c.want)
					} else {
						t.Logf("recall %.4f", got)
					}
				}
				if !slices.Equal(g.Index, first.Index) ||
					!slices.Equal(g.Distance, first.Distance) {
					t.Fatalf("%d threads find other neighbours than one", threads)
				}
			}
		})
	}
}

// checkOwn checks that every row's neighbours are different, sorted and as far as they say.
func checkOwn(t *testing.T, g *NeighborGraph, x []float32) {
	t.Helper()
	d := len(x) / g.N
	for i := range g.N {
		seen := map[int32]bool{}
		for r, j := range g.Index[i*g.K : (i+1)*g.K] {
			at := g.Distance[i*g.K+r]
			if seen[j] || at != squaredDistanceGo(x[i*d:(i+1)*d], x[int(j)*d:int(j+1)*d]) {
				t.Fatalf("row %d: neighbour %d at %v, seen before: %v", i, j, at, seen[j])
			}
			if r > 0 && pairKey(at, j) <= pairKey(g.Distance[i*g.K+r-1], g.Index[i*g.K+r-1]) {
				t.Fatalf("row %d: neighbours %d and %d are not in order", i, r-1, r)
			}
			seen[j] = true
		}
	}
}

func TestApproximateNeighborsStops(t *testing.T) {
	x := normalRows(20000, 8, 1)
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := ApproximateNeighbors{Progress: func(int, int) { calls++; cancel() }}.Nearest(ctx, x,
		20000, nil, 0, 15)
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d reports: want the context's after one", err, calls)
	}
	if _, err := (ApproximateNeighbors{}).Nearest(context.Background(), x, 20000, nil, 0,
		20000); err == nil {
		t.Error("as many neighbours as rows are no error")
	}
}

func TestSelectKeys(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 257} {
		for seed := range uint64(20) {
			keys := make([]uint64, n)
			for i, v := range normalRows(n, 1, seed) {
				keys[i] = uint64(orderedBits(v))<<32 | uint64(i)
			}
			sorted := slices.Sorted(slices.Values(keys))
			for _, count := range []int{0, 1, n / 2, n - 1, n} {
				selectKeys(keys, count)
				if front := slices.Sorted(slices.Values(keys[:count])); !slices.Equal(front,
					sorted[:count]) {
					t.Fatalf("%d of %d: other keys are in front", count, n)
				}
			}
		}
	}
}
