// Above 400 lines: the steps of one search, in order, around the state that they share.

package tsne

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
)

// Product is a matrix product: it sets dst (m x n) to A·Bᵀ for A (m x k) and B (n x k), all
// row-major, in float32 precision. ExactNeighbors calls it from several
// goroutines at once, with a few hundred rows each.
type Product func(dst, a, b []float32, m, n, k int) error

// Accelerated says whether this processor runs the package's assembly (amd64 with
// AVX2 and FMA, built without the tag purego). Without it a Product given to
// ExactNeighbors is worth its while.
func Accelerated() bool { return accelerated }

// ExactNeighbors is the exact nearest-neighbour search: all pairs, but the full
// distance is computed only for those that a cheap lower bound cannot rule out.
//
// The rows are rotated to their leading principal directions, and the norm of
// the rest is one more coordinate: the distance in those few coordinates is never
// above the true one (Pythagoras, and the triangle inequality on the rest). It is
// computed for blocks of rows against blocks of rows by a matrix product, nearest
// blocks first, and compared with the running k-th distance of both rows, with a
// margin for rounding. The result, ties broken by the lower row number, depends
// neither on threads nor on the order of the work. The zero value is ready to use.
type ExactNeighbors struct {
	// Threads is the number of goroutines; 0 means all processors that Go may use.
	Threads int
	// Progress, unless nil, is called from Nearest's goroutine now and then with the number of
	// rows done, as a share of the pairs of blocks compared, and their total.
	Progress func(done, total int)
	// Product computes the bounds' inner products; nil is the package's own kernel,
	// which is fast where it has assembly (amd64 with AVX2 and FMA, arm64) and plain Go
	// elsewhere. The neighbours are the same whatever it is.
	Product Product
}

const (
	maxUnrotated = 192  // columns up to which rows are not rotated
	rotatedWidth = 128  // leading directions that bounds use
	rotateSample = 4096 // rows that the directions are taken from
)

// Nearest implements Neighbors. Values must be below 1e15 in magnitude.
func (e ExactNeighbors) Nearest(ctx context.Context, x []float32, n int, queries []float32,
	m, k int) (*NeighborGraph, error) {
	self := queries == nil
	if self {
		m = n
	}
	if err := checkSearch(x, n, queries, m, k); err != nil {
		return nil, err
	}
	d := len(x) / n
	p := newPool(threads(e.Threads))
	defer p.close()
	s := &search{pool: p, product: e.Product, progress: e.Progress, d: d, k: k, self: self}
	if err := s.rotate(ctx, x, n); err != nil {
		return nil, err
	}
	p.ctx = ctx // each of what follows takes seconds at a million rows
	s.base = s.newSide(x, n)
	s.query = s.base
	if !self {
		s.query = s.newSide(queries, m)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	g := s.graph()
	if err := ctx.Err(); err != nil { // some of its rows may have been left out
		return nil, err
	}
	return g, nil
}

// checkSearch reports arguments of Nearest that make no sense.
func checkSearch(x []float32, n int, queries []float32, m, k int) error {
	if err := checkRows("neighbors", x, n); err != nil {
		return err
	}
	most := n
	if queries == nil {
		most--
	} else {
		if err := checkRows("neighbors", queries, m); err != nil {
			return err
		}
		if d := len(x) / n; len(queries)/m != d {
			return fmt.Errorf("tsne: neighbors: queries have %d columns, the rows searched %d",
				len(queries)/m, d)
		}
	}
	if k < 1 || k > most {
		return fmt.Errorf("tsne: neighbors: k is %d: want 1 to %d for %d rows", k, most, n)
	}
	return nil
}

// search is the state of one call of Nearest.
type search struct {
	pool     *pool
	product  Product
	progress func(done, total int)
	d, k     int
	self     bool
	turn     *rotation // nil where rows are only centred
	mean     []float32
	width    int // coordinates of a bound
	// base is searched; query asks, and is base itself where self is set.
	base, query *side
	heaps       []uint64 // of query: k keys a row, largest first
}

// side is a set of rows, re-ordered so that neighbours tend to share a block.
type side struct {
	x      []float32
	n      int
	order  []int32   // row at each position
	coords []float32 // blocks x panels x width x 24, or row-major for a foreign product
	half   []float32 // half the squared norm of the coordinates, less the margin
	// half the squared distance within which the row still seeks, -Inf where it does not
	bound  []float32
	blocks []block
}

// block is blockRows consecutive positions.
type block struct {
	mu     sync.Mutex // guards bound and heaps of the block's rows
	lo, hi int
	center []float64
	radius float64 // the farthest row's distance from center
	slack  float64 // more than rounding can move a row
}

// pairKey orders candidates by distance, then row: distances are not negative, so their
// bits order as they do.
func pairKey(d float32, row int32) uint64 {
	return uint64(math.Float32bits(d))<<32 | uint64(uint32(row))
}

const farKey = uint64(0x7f800000)<<32 | math.MaxUint32 // infinitely far

// rotate chooses the coordinates from the rows that will be searched.
func (s *search) rotate(ctx context.Context, x []float32, n int) error {
	if s.d <= maxUnrotated {
		s.mean = columnMeans(s.pool, x, n)
		s.width = s.d
		return nil
	}
	sample, rows := x, n
	if n > rotateSample {
		step := n / rotateSample
		rows = rotateSample
		sample = make([]float32, 0, rows*s.d)
		for i := range rows {
			sample = append(sample, x[i*step*s.d:(i*step+1)*s.d]...)
		}
	}
	// Directions need only be roughly principal: two passes.
	var err error
	if s.turn, err = principal(ctx, s.pool, sample, rows, rotatedWidth, rotatedWidth+16, 2,
		0); err != nil {
		return err
	}
	s.mean = s.turn.mean
	s.width = s.turn.h + 1
	return nil
}

// newSide computes coordinates, order and blocks of the n rows of x.
func (s *search) newSide(x []float32, n int) *side {
	w, d := s.width, s.d
	z := make([]float32, n*w)
	norm := make([]float64, n) // of all d coordinates
	var turned, scratch [][]float32
	if s.turn != nil {
		for range s.pool.size() {
			turned = append(turned, make([]float32, (s.turn.h+panel-1)/panel*rotateRows*panel))
			scratch = append(scratch, make([]float32, d*panel))
		}
	}
	s.pool.blocks(n, rotateRows, func(lo, hi, worker int) {
		if s.turn != nil {
			s.turn.rotateBlock(turned[worker], x[lo*d:hi*d], scratch[worker], hi-lo)
		}
		for i := lo; i < hi; i++ {
			row, to := x[i*d:(i+1)*d], z[i*w:(i+1)*w]
			if s.turn == nil {
				for j, v := range row {
					to[j] = v - s.mean[j]
					norm[i] += float64(float64(to[j]) * float64(to[j]))
				}
				continue
			}
			for j, v := range row {
				c := float64(v - s.mean[j])
				norm[i] += float64(c * c)
			}
			rest := norm[i]
			for j := range s.turn.h {
				v := turned[worker][j/panel*rotateRows*panel+(i-lo)*panel+j%panel]
				to[j] = v
				rest -= float64(float64(v) * float64(v))
			}
			to[s.turn.h] = float32(math.Sqrt(max(rest, 0)))
		}
	})
	count := (n + blockRows - 1) / blockRows
	sd := &side{x: x, n: n, order: locality(s.pool, z, n, blockRows), blocks: make([]block, count)}
	sd.coords = make([]float32, count*blockRows*w)
	sd.half = make([]float32, count*blockRows)
	sd.bound = make([]float32, count*blockRows)
	for i := range sd.bound {
		sd.bound[i] = float32(math.Inf(-1))
	}
	// Rounding of the rotation and of the products stays far below this share of
	// the squared norms: errors of sums of d terms grow as their square root.
	margin := 4e-6 * math.Sqrt(float64(d)+16)
	s.pool.run(count, func(b, _ int) {
		blk := &sd.blocks[b]
		blk.lo, blk.hi = b*blockRows, min((b+1)*blockRows, n)
		blk.center = make([]float64, w)
		for i := blk.lo; i < blk.hi; i++ {
			row := int(sd.order[i])
			from := z[row*w : (row+1)*w]
			var sum float64
			for j, v := range from {
				if s.product != nil {
					sd.coords[i*w+j] = v
				} else {
					sd.coords[i/panel*w*panel+j*panel+i%panel] = v
				}
				sum += float64(float64(v) * float64(v))
				blk.center[j] += float64(v) / float64(blk.hi-blk.lo)
			}
			sd.half[i] = float32((sum - float64(2*margin*norm[row])) / 2)
		}
		for i := blk.lo; i < blk.hi; i++ {
			from := z[int(sd.order[i])*w:][:w]
			blk.radius = max(blk.radius, distance(blk.center, from))
			blk.slack = max(blk.slack, margin*math.Sqrt(norm[sd.order[i]]))
		}
	})
	return sd
}

// run fills the heaps.
func (s *search) run(ctx context.Context) error {
	s.heaps = make([]uint64, s.query.n*s.k)
	for i := range s.heaps {
		s.heaps[i] = farKey
	}
	for i := range s.query.n {
		s.query.bound[i] = float32(math.Inf(1))
	}
	tiles := s.tiles()
	if err := ctx.Err(); err != nil {
		return err
	}
	works := make([]*tileWork, s.pool.size())
	for i := range works {
		works[i] = &tileWork{
			search:   s,
			products: make([]float32, blockRows*blockRows),
			mask:     make([]byte, blockRows/8+8),
			qBound:   make([]float32, blockRows), bBound: make([]float32, blockRows),
		}
	}
	var failed error
	var once sync.Once
	const chunk = 256 // tiles between looks at the context
	for lo := 0; lo < len(tiles); lo += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := tiles[lo:min(lo+chunk, len(tiles))]
		s.pool.run(len(part), func(t, worker int) {
			if err := works[worker].do(part[t]); err != nil {
				once.Do(func() { failed = fmt.Errorf("tsne: neighbors: product: %w", err) })
			}
		})
		if failed != nil {
			return failed
		}
		if s.progress != nil {
			s.progress(int(int64(s.query.n)*int64(lo+len(part))/int64(len(tiles))), s.query.n)
		}
	}
	return nil
}

// tileWork is one worker's scratch.
type tileWork struct {
	*search
	products       []float32
	mask           []byte
	qBound, bBound []float32 // copies of the blocks' bounds
	found          []candidate
}

// candidate is a pair of positions and their squared distance.
type candidate struct {
	q, b int32
	d    float32
}

// do finds, in one tile, the pairs that may be neighbours and offers them to the heaps.
func (t *tileWork) do(ti tile) error {
	qs, bs := t.query, t.base
	qb, bb := &qs.blocks[ti.q], &bs.blocks[ti.b]
	same := t.self && ti.q == ti.b
	t.refresh(t.qBound, qs, qb)
	t.refresh(t.bBound, bs, bb)
	if gap := float64(float64(ti.dist)*(1-1e-5)) - qb.radius - bb.radius - qb.slack -
		bb.slack; gap > 0 {
		reach := max(slices.Max(t.qBound), slices.Max(t.bBound))
		if gap*gap*(1-1e-5) > 2*float64(reach) {
			return nil // not even the blocks' nearest rows are near enough
		}
	}
	if t.product != nil {
		w := t.width
		if err := t.product(t.products, qs.coords[qb.lo*w:][:blockRows*w],
			bs.coords[bb.lo*w:][:blockRows*w], blockRows, blockRows, w); err != nil {
			return err
		}
	}
	for lo := qb.lo; lo < qb.hi; lo += panel {
		hi := min(lo+panel, qb.hi)
		products := t.products[(lo-qb.lo)*blockRows:]
		if t.product == nil {
			products = t.products[:panel*blockRows]
			t.multiply(products, lo, bb.lo)
		}
		for i := lo; i < hi; i++ {
			g := products[(i-lo)*blockRows:][:blockRows]
			pass(t.mask, g, bs.half[bb.lo:bb.lo+blockRows], t.bBound, qs.half[i],
				t.qBound[i-qb.lo])
			t.scan(i, qb, bb, same)
		}
		if len(t.found) > 0 {
			t.offer(qb, bb)
		}
	}
	return nil
}

// refresh copies a block's bounds. Those of rows beyond the last are -Inf.
func (t *tileWork) refresh(dst []float32, sd *side, b *block) {
	b.mu.Lock()
	copy(dst, sd.bound[b.lo:b.lo+blockRows])
	b.mu.Unlock()
}

// multiply computes the inner products of 24 rows at position q with a block at b.
func (t *tileWork) multiply(dst []float32, q, b int) {
	w := t.width
	rows := t.query.coords[q*w : (q+panel)*w]
	for j := 0; j < blockRows; j += panel {
		cols := t.base.coords[(b+j)*w : (b+j+panel)*w]
		for i := 0; i < panel; i += 4 {
			productFused4x24(dst[i*blockRows+j:], blockRows, rows[i:], cols, w)
		}
	}
}

// scan computes the true distance of each marked pair of the row at position i and
// keeps those within either row's bound.
func (t *tileWork) scan(i int, qb, bb *block, same bool) {
	qs, bs, d := t.query, t.base, t.d
	row := qs.x[int(qs.order[i])*d:][:d]
	qBound := t.qBound[i-qb.lo]
	for at := 0; at < blockRows/8; at += 8 {
		m := uint64(0)
		for b := range 8 {
			m |= uint64(t.mask[at+b]) << (8 * b)
		}
		for ; m != 0; m &= m - 1 {
			j := bb.lo + at*8 + bits.TrailingZeros64(m)
			if j >= bb.hi || (same && j <= i) {
				continue
			}
			dist := squaredDistance(row, bs.x[int(bs.order[j])*d:][:d])
			if dist <= 2*max(qBound, t.bBound[j-bb.lo]) {
				t.found = append(t.found, candidate{int32(i), int32(j), dist})
			}
		}
	}
}

// offer puts the found pairs into the heaps of their rows and refreshes the bounds.
func (t *tileWork) offer(qb, bb *block) {
	qb.mu.Lock()
	for _, c := range t.found {
		t.insert(int(c.q), pairKey(c.d, t.base.order[c.b]))
	}
	copy(t.qBound, t.query.bound[qb.lo:qb.lo+blockRows])
	qb.mu.Unlock()
	if t.self {
		bb.mu.Lock()
		for _, c := range t.found {
			t.insert(int(c.b), pairKey(c.d, t.base.order[c.q]))
		}
		copy(t.bBound, t.base.bound[bb.lo:bb.lo+blockRows])
		bb.mu.Unlock()
	}
	t.found = t.found[:0]
}

// insert replaces the farthest candidate of the row at a position by a nearer one.
func (s *search) insert(pos int, key uint64) {
	h := s.heaps[pos*s.k : (pos+1)*s.k]
	if key >= h[0] {
		return
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] > h[c] {
			c++
		}
		if h[c] <= key {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = key
	s.query.bound[pos] = math.Float32frombits(uint32(h[0]>>32)) / 2
}

// graph sorts the heaps into the result, by row.
func (s *search) graph() *NeighborGraph {
	g := &NeighborGraph{N: s.query.n, K: s.k, Index: make([]int32, len(s.heaps)),
		Distance: make([]float32, len(s.heaps))}
	s.pool.blocks(g.N, 256, func(lo, hi, _ int) {
		for pos := lo; pos < hi; pos++ {
			h := s.heaps[pos*s.k : (pos+1)*s.k]
			slices.Sort(h)
			at := int(s.query.order[pos]) * s.k
			for i, key := range h {
				g.Index[at+i] = int32(uint32(key))
				g.Distance[at+i] = math.Float32frombits(uint32(key >> 32))
			}
		}
	})
	return g
}
