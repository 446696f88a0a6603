package tsne

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func testTree(y []float32, dims, threads int, theta float64) (*field, func()) {
	n := len(y) / dims
	p := newPool(threads)
	f := newField(p, &joint{n: n, start: make([]int, n+1)}, y, dims, theta, false)
	lo, side := f.box()
	f.tree.build(f.pos, f.stride, lo, side)
	return f, p.close
}

// nested returns points that make a cell of nearly every point: towards each corner of the cube
// they come closer and closer.
func nested(levels int) []float32 {
	var y []float32
	for corner := range 8 {
		var c [3]float32
		for a := range c {
			c[a] = float32(corner >> a & 1)
		}
		for k := range levels + leafSize + 1 {
			step := float32(0)
			if k < levels {
				step = 1 / float32(int(2)<<k)
			}
			for a := range c {
				y = append(y, c[a]+step*(1-2*c[a]))
			}
		}
	}
	return y
}

// At theta 0 every block of the tree goes through the walk's queue, in space two a cell.
func TestWalkOpensNestedCells(t *testing.T) {
	y := nested(12)
	f, done := testTree(y, 3, 1, 0)
	defer done()
	if n := len(y) / 3; len(f.tree.blocks) <= n+8 {
		t.Fatalf("%d blocks of %d points do not try the queue", len(f.tree.blocks), n)
	}
	b := f.tree.groupBox(0)
	if count := f.tree.walk(&b, 0, f.scratch[0].list); count > f.n {
		t.Errorf("%d bodies of %d points", count, f.n)
	}
}

func TestKeysHaveRoomForPoints(t *testing.T) {
	for _, c := range []struct{ n, dims, levels int }{
		{1, 2, 16}, {1<<31 - 1, 2, 16}, {1, 3, 13}, {1 << 25, 3, 13}, {1<<25 + 1, 3, 12}, {1 << 28,
			3, 12}, {1<<31 - 1, 3, 11},
	} {
		if got := curveLevels(c.n, c.dims); got != c.levels {
			t.Errorf("%d points in %d dimensions: %d levels: want %d", c.n, c.dims, got, c.levels)
		}
	}
	// A curve with fewer levels still has every point once.
	y := normalRows(3000, 3, 1)
	f, done := testTree(y, 3, 1, 0.5)
	defer done()
	f.tree.levels = 11
	lo, side := f.box()
	f.tree.build(f.pos, f.stride, lo, side)
	seen := make([]bool, f.n)
	for k := range seen {
		i := f.tree.index(k)
		if seen[i] || f.tree.points[2][k] != y[3*i+2] {
			t.Fatalf("place %d has point %d", k, i)
		}
		seen[i] = true
	}
}

// The tree must not depend on threads, however its points lie.
func TestTreeIgnoresThreads(t *testing.T) {
	for _, dims := range []int{2, 3} {
		const n = 40_000
		for name, y := range map[string][]float32{
			"normal":     normalRows(n, dims, 1),
			"blobs":      blobs(n, dims, 9, 1e3, 2),
			"one place":  make([]float32, n*dims),
			"duplicates": duplicates(normalRows(n, dims, 3), dims),
		} {
			want, done := testTree(y, dims, 1, 0.5)
			done()
			if !slices.IsSortedFunc(want.tree.keys, func(a, b uint64) int {
				if a < b {
					return -1
				}
				return 1
			}) {
				t.Fatalf("%s in %d dimensions: keys are not sorted", name, dims)
			}
			for _, threads := range []int{2, 3, 7} {
				got, done := testTree(y, dims, threads, 0.5)
				done()
				if !slices.Equal(got.tree.keys, want.tree.keys) ||
					!slices.Equal(got.tree.blocks, want.tree.blocks) {
					t.Fatalf("%s in %d dimensions: another tree with %d threads", name, dims,
						threads)
				}
			}
		}
	}
}

func TestSortBucket(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 31, 32, 33, 1000} {
		for _, low := range []int{25, 32} {
			keys := make([]uint64, n)
			for i := range keys {
				keys[i] = uint64(rng.IntN(1<<53))>>low<<low | uint64(i) // ties keep their order
			}
			want := slices.Clone(keys)
			slices.Sort(want)
			got := make([]uint64, n)
			sortBucket(got, keys, low, 53)
			if !slices.Equal(got, want) {
				t.Errorf("%d keys by their bits from %d are not sorted", n, low)
			}
		}
	}
}

// However large theta is, a cell that holds points of a group is not summed as one for it,
// unless they are all in one place.
func TestNoPointRepelsItself(t *testing.T) {
	type body struct{ x, y, z, m float32 }
	for _, dims := range []int{2, 3} {
		for name, y := range map[string][]float32{
			"normal": normalRows(3000, dims, 1), "blobs": blobs(3000, dims, 20, 10,
				2), "duplicates": duplicates(normalRows(3000, dims, 3), dims),
		} {
			for _, theta := range []float64{0.5, 0.8, 1, 2, 10} {
				f, done := testTree(y, dims, 2, theta)
				runs := map[body][2]int{} // of the points of each cell
				var visit func(block int32, i int) (lo, hi int)
				visit = func(block int32, i int) (lo, hi int) {
					c := &f.tree.blocks[block]
					hi = int(c.m[i])
					if next := c.next[i]; next < 0 {
						lo = int(^next)
					} else {
						lo, _ = visit(next, 0)
						for j := 1; j < 4*(dims-1); j++ {
							if b := next + int32(j/4); f.tree.blocks[b].next[j%4] != 0 {
								visit(b, j%4)
							}
						}
					}
					hi += lo
					if c.width2[i] >= 0 {
						runs[body{c.x[i], c.y[i], c.z[i], c.m[i]}] = [2]int{lo, hi}
					}
					return lo, hi
				}
				visit(0, 0)
				l := f.scratch[0].list
				for at := 0; at < f.n; at += groupSize {
					b := f.tree.groupBox(at)
					for i := range f.tree.walk(&b, f.theta2, l) {
						e := body{x: l.x[i], y: l.y[i], m: l.m[i]}
						if dims == 3 {
							e.z = l.z[i]
						}
						if r, ok := runs[e]; ok && e.m > 1 && r[0] < min(at+groupSize, f.n) &&
							r[1] > at {
							t.Fatalf("%s in %d dimensions, theta %v: the group at %d has points "+
								"of the cell %v", name, dims, theta, at, r)
						}
					}
				}
				done()
			}
		}
	}
}
