package tsne

import (
	"math"
	"math/bits"
	"slices"
)

// leafSize is the number of points below which a cell is not divided.
const leafSize = 8

// cells holds four cells side by side: centre of mass, number of points, squared width, and where
// each leads: an inner cell to the block of its first four children (above 0), a leaf to its
// points (^first, of which there are m). A place not in use has next 0 and infinite width.
//
// The width of a leaf whose points all coincide is negative: it can always be summed as one.
type cells struct {
	x, y, z, m, width2 [4]float32
	next               [4]int32
}

// cell is one of them by itself.
type cell struct {
	x, y, z, m, width2 float32
	next               int32
	reach              float32 // no point is farther from the centre of mass; set where wide
}

// tree is a quadtree (dims 2) or octree (dims 3) over points sorted along a
// space-filling curve, on which every cell is a run of points.
//
// Cells with a single occupied child are skipped: a cell is the smallest one that holds its
// points.
//
// Sort and build share their work among the pool's goroutines; the result does not depend on
// their number.
type tree struct {
	pool   *pool
	dims   int
	levels int      // bits a coordinate on the curve
	theta2 float32  // squared theta of the walks to come
	keys   []uint64 // position on the curve, then point, sorted
	tmp    []uint64
	counts [][buckets]uint32 // of each chunk of keys by bucket
	// sorted coordinates, padded to whole groups by repeating the last point
	points [3][]float32
	// the root alone in the first; an octree's cell has two blocks of children
	blocks []cells
	// squared width of a cell by the number of bits that its points share
	width2 [bits2 + 2]float32
	parts  []subtree
}

// subtree is a cell that one goroutine builds.
type subtree struct {
	lo, hi int
	root   cell
	blocks []cells // next is 1 for the first of them
}

const (
	keyChunk    = 1 << 14 // keys that one task counts and scatters
	bucketBits  = 11      // leading bits of a key that say where it is scattered to
	buckets     = 1 << bucketBits
	bucketChunk = 32   // buckets that one task sorts
	subtreeSize = 4096 // most points of a subtree
)

func newTree(p *pool, n, dims int) *tree {
	t := &tree{pool: p, dims: dims, levels: curveLevels(n, dims), keys: make([]uint64, n),
		tmp: make([]uint64, n)}
	t.counts = make([][buckets]uint32, (n+keyChunk-1)/keyChunk)
	for c := range dims {
		t.points[c] = make([]float32, (n+groupSize-1)/groupSize*groupSize+8)
	}
	return t
}

// curveLevels returns how many bits a coordinate has on the curve, so that a key has room for
// the numbers of n points.
func curveLevels(n, dims int) int {
	if dims == 2 {
		return bits2
	}
	return min(bits3, (64-bits.Len(uint(n-1)))/3)
}

// index returns the point at a sorted position.
func (t *tree) index(pos int) int {
	return int(t.keys[pos] & (1<<(64-t.codeBits()) - 1))
}

// sort puts the points of pos (stride values each) in the order of the curve over
// the box from lo with the given side.
func (t *tree) sort(pos []float32, stride int, lo [3]float32, side float32) {
	n := len(t.keys)
	// Keys are scattered to buckets by their leading bits, then sorted by bucket. They all
	// differ, so that no order of the work can change the result.
	t.pool.blocks(n, keyChunk, func(from, to, _ int) {
		t.code(pos, stride, lo, side, from, to)
		counts := &t.counts[from/keyChunk]
		clear(counts[:])
		for _, k := range t.keys[from:to] {
			counts[k>>(64-bucketBits)]++
		}
	})
	var starts [buckets + 1]int
	var at uint32
	for b := range buckets {
		starts[b] = int(at)
		for c := range t.counts {
			at, t.counts[c][b] = at+t.counts[c][b], at
		}
	}
	starts[buckets] = n
	t.pool.blocks(n, keyChunk, func(from, to, _ int) {
		counts := &t.counts[from/keyChunk]
		for _, k := range t.keys[from:to] {
			c := &counts[k>>(64-bucketBits)]
			t.tmp[*c] = k
			*c++
		}
	})
	t.pool.blocks(buckets, bucketChunk, func(from, to, _ int) {
		for b := from; b < to; b++ {
			sortBucket(t.keys[starts[b]:starts[b+1]], t.tmp[starts[b]:starts[b+1]],
				64-t.codeBits(), 64-bucketBits)
		}
		for c := range t.dims {
			dst := t.points[c]
			for k := starts[from]; k < starts[to]; k++ {
				dst[k] = pos[t.index(k)*stride+c]
			}
		}
	})
	for c := range t.dims {
		dst := t.points[c]
		for k := n; k < len(dst); k++ {
			dst[k] = dst[n-1]
		}
	}
}

// code sets the keys of points from to to.
func (t *tree) code(pos []float32, stride int, lo [3]float32, side float32, from, to int) {
	scale := float32(int(1)<<t.levels) / side
	most := uint32(1)<<t.levels - 1
	if t.dims == 2 {
		for i := from; i < to; i++ {
			x := min(uint32((pos[i*stride]-lo[0])*scale), most)
			y := min(uint32((pos[i*stride+1]-lo[1])*scale), most)
			t.keys[i] = hilbert(x, y)<<32 | uint64(i)
		}
		return
	}
	shift := 64 - t.codeBits()
	for i := from; i < to; i++ {
		x := min(uint32((pos[i*stride]-lo[0])*scale), most)
		y := min(uint32((pos[i*stride+1]-lo[1])*scale), most)
		z := min(uint32((pos[i*stride+2]-lo[2])*scale), most)
		t.keys[i] = morton3(x, y, z)<<shift | uint64(i)
	}
}

// build sorts the points and makes the cells. lo and side give a box around all points.
func (t *tree) build(pos []float32, stride int, lo [3]float32, side float32) {
	t.sort(pos, stride, lo, side)
	w := side
	for i := range t.width2 {
		t.width2[i] = w * w
		w /= 2
	}
	// The cells above all subtrees are made twice: the first time to find the subtrees and
	// to count the blocks before theirs.
	count := 0
	t.top(func(lo, hi int) cell {
		if count == len(t.parts) {
			t.parts = append(t.parts, subtree{})
		}
		t.parts[count].lo, t.parts[count].hi = lo, hi
		count++
		return cell{}
	})
	parts := t.parts[:count]
	t.pool.run(count, func(i, _ int) {
		s := &parts[i]
		s.blocks = s.blocks[:0]
		s.root = t.cell(s.lo, s.hi, 0, nil, &s.blocks, 1)
	})
	starts := make([]int, count)
	total := len(t.blocks)
	for i := range parts {
		starts[i] = total
		total += len(parts[i].blocks)
	}
	next := 0
	t.top(func(_, _ int) cell {
		c := parts[next].root
		if c.next > 0 {
			c.next += int32(starts[next] - 1)
		}
		next++
		return c
	})
	t.blocks = slices.Grow(t.blocks, total-len(t.blocks))[:total]
	t.pool.run(count, func(i, _ int) {
		from, to := parts[i].blocks, t.blocks[starts[i]:]
		for j := range from {
			to[j] = from[j]
			for l, v := range from[j].next {
				if v > 0 {
					to[j].next[l] = v + int32(starts[i]-1)
				}
			}
		}
	})
}

// top makes the root and all cells below it of more than subtreeSize points, with part for
// smaller ones.
func (t *tree) top(part func(lo, hi int) cell) {
	t.blocks = append(t.blocks[:0], noCells)
	root := t.cell(0, len(t.keys), subtreeSize, part, &t.blocks, 0)
	t.blocks[0].set(0, root)
}

var noCells = cells{width2: [4]float32{infinity, infinity, infinity, infinity}}

var infinity = float32(math.Inf(1))

func (b *cells) set(i int, c cell) {
	b.x[i], b.y[i], b.z[i], b.m[i], b.width2[i], b.next[i] = c.x, c.y, c.z, c.m, c.width2, c.next
}

// cell returns the cell of the points at sorted positions lo to hi, which is part's where there
// are at most size, and adds the blocks below it, numbered from base.
func (t *tree) cell(lo, hi, size int, part func(lo, hi int) cell, blocks *[]cells, base int) cell {
	if hi-lo <= size {
		return part(lo, hi)
	}
	shared := bits.LeadingZeros64(t.keys[lo] ^ t.keys[hi-1])
	level := min(shared/t.dims, t.levels)
	if level == t.levels || hi-lo <= leafSize {
		return t.leaf(lo, hi, level)
	}
	shift := 64 - (level+1)*t.dims
	first := len(*blocks)
	*blocks = append(*blocks, noCells)
	if t.dims == 3 {
		*blocks = append(*blocks, noCells)
	}
	var x, y, z float64
	var below [8]cell
	count := 0
	for at := lo; at < hi; count++ {
		end := t.runEnd(at, hi, shift)
		c := t.cell(at, end, size, part, blocks, base)
		below[count] = c
		(*blocks)[first+count/4].set(count%4, c)
		m := float64(c.m)
		x += float64(m * float64(c.x))
		y += float64(m * float64(c.y))
		z += float64(m * float64(c.z))
		at = end
	}
	m := float64(hi - lo)
	c := cell{x: float32(x / m), y: float32(y / m), z: float32(z / m), m: float32(m),
		width2: t.width2[level], next: int32(base + first)}
	if t.wide() {
		for _, b := range below[:count] {
			c.reach = max(c.reach, b.reach+norm(b.x-c.x, b.y-c.y, b.z-c.z))
		}
		c.widen(t.theta2)
	}
	return c
}

// wide says whether theta is so large that a cell can be that far from one of its own points,
// by its width alone. A cell is at most as far from a point of it as its diagonal is long.
func (t *tree) wide() bool { return float32(t.dims)*t.theta2 > 1 }

// widen makes sure that a walk with theta2 takes the cell as one only from outside its reach,
// so that no point repels itself.
func (c *cell) widen(theta2 float32) {
	if c.width2 >= 0 {
		c.width2 = max(c.width2, theta2*c.reach*c.reach*1.0001)
	}
}

func norm(x, y, z float32) float32 {
	return float32(math.Sqrt(float64(float64(x)*float64(x)) + float64(float64(y)*float64(y)) +
		float64(float64(z)*float64(z))))
}

// runEnd returns where the run of keys that agree above shift with the one at lo ends, at
// most hi.
func (t *tree) runEnd(lo, hi, shift int) int {
	digit := t.keys[lo] >> shift
	step := 1
	for lo+step < hi && t.keys[lo+step]>>shift == digit {
		lo += step
		step *= 2
	}
	end := min(lo+step, hi) // the run ends after lo, at most here
	for lo+1 < end {
		if mid := (lo + end) / 2; t.keys[mid]>>shift == digit {
			lo = mid
		} else {
			end = mid
		}
	}
	return end
}

// codeBits is the number of leading bits of a key that are its position on the curve.
func (t *tree) codeBits() int { return t.levels * t.dims }

func (t *tree) leaf(lo, hi, level int) cell {
	c := cell{m: float32(hi - lo), width2: t.width2[level], next: ^int32(lo)}
	var x, y, z float64
	px, py := t.points[0][lo:hi], t.points[1][lo:hi]
	same := true
	for i := range px {
		x += float64(px[i])
		y += float64(py[i])
		same = same && px[i] == px[0] && py[i] == py[0]
	}
	if t.dims == 3 {
		pz := t.points[2][lo:hi]
		for i := range pz {
			z += float64(pz[i])
			same = same && pz[i] == pz[0]
		}
	}
	m := float64(hi - lo)
	c.x, c.y, c.z = float32(x/m), float32(y/m), float32(z/m)
	if same {
		c.width2 = -1
		c.x, c.y = px[0], py[0]
		if t.dims == 3 {
			c.z = t.points[2][lo]
		}
	} else if t.wide() {
		for i := lo; i < hi; i++ {
			var dz float32
			if t.dims == 3 {
				dz = t.points[2][i] - c.z
			}
			c.reach = max(c.reach, norm(t.points[0][i]-c.x, t.points[1][i]-c.y, dz))
		}
		c.widen(t.theta2)
	}
	return c
}
