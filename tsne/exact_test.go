package tsne

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// bruteForce returns every query's k nearest rows by float64 distances.
func bruteForce(x []float32, n int, queries []float32, m, k int) (index [][]int32,
	dist [][]float64) {
	d := len(x) / n
	self := queries == nil
	if self {
		queries, m = x, n
	}
	for i := range m {
		type pair struct {
			j int32
			d float64
		}
		var all []pair
		for j := range n {
			if self && i == j {
				continue
			}
			v := distance(queries[i*d:(i+1)*d], x[j*d:(j+1)*d])
			all = append(all, pair{int32(j), v * v})
		}
		slices.SortFunc(all,
			func(a, b pair) int { return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.j, b.j)) })
		var js []int32
		var ds []float64
		for _, p := range all[:k] {
			js, ds = append(js, p.j), append(ds, p.d)
		}
		index, dist = append(index, js), append(dist, ds)
	}
	return index, dist
}

// checkExact compares a graph with brute force: the distances at every rank, and the
// distance of every neighbour named.
func checkExact(t *testing.T, g *NeighborGraph, x []float32, n int, queries []float32, m, k int) {
	t.Helper()
	_, want := bruteForce(x, n, queries, m, k)
	d := len(x) / n
	if queries == nil {
		queries = x
	}
	for i := range want {
		seen := map[int32]bool{}
		for r := range k {
			j, got := g.Index[i*k+r], float64(g.Distance[i*k+r])
			true2 := distance(queries[i*d:(i+1)*d], x[int(j)*d:int(j+1)*d])
			true2 *= true2
			tol := 2e-6*want[i][r] + 1e-37
			if math.Abs(got-want[i][r]) > tol || math.Abs(true2-want[i][r]) > tol || seen[j] {
				t.Fatalf("row %d, neighbour %d is %d at %v (truly %v), seen before %v: want "+
					"distance %v", i, r, j, got, true2, seen[j], want[i][r])
			}
			seen[j] = true
		}
	}
}

func duplicates(x []float32, d int) []float32 {
	copy(x[len(x)/2/d*d:], x[:len(x)/2/d*d])
	return x
}

func shifted(x []float32, by float32) []float32 {
	for i := range x {
		x[i] += by
	}
	return x
}

func TestExactNeighbors(t *testing.T) {
	digits, n := readDigits(t)
	line := make([]float32, 500*300)
	for i := range line {
		line[i] = float32(i/300) * float32(i%300)
	}
	for _, c := range []struct {
		name    string
		x       []float32
		n, m, k int
		queries []float32
	}{
		{name: "digits", x: digits[:600*64], n: 600, k: 31},
		{name: "wide", x: blobs(700, 300, 5, 1, 3), n: 700, k: 20},
		{name: "far apart", x: blobs(600, 250, 2, 3000, 4), n: 600, k: 10},
		{name: "one column", x: normalRows(900, 1, 5), n: 900, k: 5},
		{name: "far from zero", x: shifted(normalRows(500, 200, 6), 1000), n: 500, k: 40},
		{name: "duplicates", x: duplicates(normalRows(500, 210, 7), 210), n: 500, k: 30},
		{name: "collinear", x: line, n: 500, k: 15},
		{name: "all the same", x: make([]float32, 400*200), n: 400, k: 7},
		{name: "all others", x: normalRows(300, 6, 8), n: 300, k: 299},
		{name: "two rows", x: []float32{1, 2, 3, 4}, n: 2, k: 1},
		{name: "queries", x: blobs(700, 300, 5, 1, 3), n: 700, k: 20,
			queries: blobs(100, 300, 5, 1, 9), m: 100},
		{name: "few queries", x: digits, n: n, k: 3, queries: digits[:2*64], m: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			product := func(dst, a, b []float32, m, n, k int) error {
				for i := range m {
					for j := range n {
						var s float32
						for l := range k {
							s += a[i*k+l] * b[j*k+l]
						}
						dst[i*n+j] = s
					}
				}
				return nil
			}
			var first *NeighborGraph
			for _, e := range []ExactNeighbors{{Threads: 1}, {Threads: 3}, {Threads: 7},
				{Threads: 2, Product: product}} {
				g, err := e.Nearest(context.Background(), c.x, c.n, c.queries, c.m, c.k)
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = g
					checkExact(t, g, c.x, c.n, c.queries, c.m, c.k)
				}
				if !slices.Equal(g.Index, first.Index) ||
					!slices.Equal(g.Distance, first.Distance) {
					t.Fatalf("%d threads, own product %v: another result than with one", e.Threads,
						e.Product != nil)
				}
			}
		})
	}
}

func TestExactNeighborsErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	failing := errors.New("no memory")
	x := normalRows(10, 3, 1)
	for _, c := range []struct {
		name string
		run  func() error
		want string
	}{
		{"k",
			func() error {
				_,
					err := ExactNeighbors{}.Nearest(context.Background(), x, 10, nil, 0, 10)
				return err
			}, "k is 10: want 1 to 9"},
		{"empty",
			func() error {
				_,
					err := ExactNeighbors{}.Nearest(context.Background(), nil, 0, nil, 0, 1)
				return err
			}, "empty"},
		{"shape",
			func() error {
				_,
					err := ExactNeighbors{}.Nearest(context.Background(), x, 7, nil, 0, 1)
				return err
			}, "cannot be 7 rows"},
		{"width",
			func() error {
				_,
					err := ExactNeighbors{}.Nearest(context.Background(), x, 10, x, 5, 1)
				return err
			}, "queries have 6 columns"},
		{"canceled",
			func() error {
				_,
					err := ExactNeighbors{}.Nearest(ctx, x, 10, nil, 0, 1)
				return err
			}, "canceled"},
		{"canceled after the last tile", func() error {
			ctx, cancel := context.WithCancel(context.Background())
			_, err := ExactNeighbors{Progress: func(done, total int) {
				if done == total {
					cancel()
				}
			}}.Nearest(ctx, x, 10, nil, 0, 1)
			return err
		}, "canceled"},
		{"product", func() error {
			_, err := ExactNeighbors{Product: func(_, _, _ []float32, _, _,
				_ int) error {
				return failing
			}}.Nearest(context.Background(), x, 10, nil, 0, 1)
			if !errors.Is(err, failing) {
				return errors.New("cause is lost")
			}
			return err
		}, "no memory"},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want one with %q", c.name, err, c.want)
		}
	}
}

func BenchmarkExactNeighbors(b *testing.B) {
	x := blobs(4000, 784, 10, 0.3, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (ExactNeighbors{}).Nearest(context.Background(), x, 4000, nil, 0,
			91); err != nil {
			b.Fatal(err)
		}
	}
}

// Tiles come in one order, whoever sorts them, also where many are equally far.
func TestSortedTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := newPool(3)
	defer p.close()
	for _, count := range []int{1, 2, 70} {
		parts := make([][]tile, count)
		for q := range parts {
			for b := q; b < count; b++ {
				parts[q] = append(parts[q], tile{int32(q), int32(b), float32(r.IntN(9))})
			}
		}
		want := slices.Concat(parts...)
		slices.SortFunc(want, func(a, b tile) int {
			return cmp.Or(cmp.Compare(a.dist, b.dist), cmp.Compare(a.q, b.q),
				cmp.Compare(a.b, b.b))
		})
		if got := sortedTiles(p, parts); !slices.Equal(got, want) {
			t.Errorf("%d parts: tiles out of order", count)
		}
	}
}
