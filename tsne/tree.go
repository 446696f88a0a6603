package tsne

import (
	"math"
	"math/bits"
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
}

// tree is a quadtree (dims 2) or octree (dims 3) over points sorted along a
// space-filling curve, on which every cell is a run of points.
//
// Cells with a single occupied child are skipped: a cell is the smallest one that holds its points.
type tree struct {
	dims   int
	keys   []uint64 // position on the curve, then point, sorted
	tmp    []uint64
	points [3][]float32       // sorted coordinates, padded to whole groups by repeating the last point
	blocks []cells            // the root alone in the first; an octree's cell has two blocks of children
	width2 [bits2 + 2]float32 // squared width of a cell by the number of bits that its points share
}

func newTree(n, dims int) *tree {
	t := &tree{dims: dims, keys: make([]uint64, n), tmp: make([]uint64, n)}
	for c := range dims {
		t.points[c] = make([]float32, (n+groupSize-1)/groupSize*groupSize+8)
	}
	return t
}

// index returns the point at a sorted position.
func (t *tree) index(pos int) int {
	if t.dims == 2 {
		return int(uint32(t.keys[pos]))
	}
	return int(t.keys[pos] & (1<<(64-3*bits3) - 1))
}

// sort puts the points of pos (stride values each) in the order of the curve over
// the box from lo with the given side.
func (t *tree) sort(pos []float32, stride int, lo [3]float32, side float32) {
	if t.dims == 2 {
		scale := float32(1<<bits2) / side
		const most = 1<<bits2 - 1
		for i := range t.keys {
			x := min(uint32((pos[i*stride]-lo[0])*scale), most)
			y := min(uint32((pos[i*stride+1]-lo[1])*scale), most)
			t.keys[i] = hilbert(x, y)<<32 | uint64(i)
		}
		radixSort(t.keys, t.tmp, 32, 64)
	} else {
		scale := float32(1<<bits3) / side
		const most = 1<<bits3 - 1
		for i := range t.keys {
			x := min(uint32((pos[i*stride]-lo[0])*scale), most)
			y := min(uint32((pos[i*stride+1]-lo[1])*scale), most)
			z := min(uint32((pos[i*stride+2]-lo[2])*scale), most)
			t.keys[i] = morton3(x, y, z)<<(64-3*bits3) | uint64(i)
		}
		radixSort(t.keys, t.tmp, 64-3*bits3, 64)
	}
	n := len(t.keys)
	for c := range t.dims {
		dst := t.points[c]
		for k := range n {
			dst[k] = pos[t.index(k)*stride+c]
		}
		for k := n; k < len(dst); k++ {
			dst[k] = dst[n-1]
		}
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
	t.blocks = append(t.blocks[:0], noCells)
	t.blocks[0].set(0, t.cell(0, len(t.keys)))
}

var noCells = cells{width2: [4]float32{infinity, infinity, infinity, infinity}}

var infinity = float32(math.Inf(1))

func (b *cells) set(i int, c cell) {
	b.x[i], b.y[i], b.z[i], b.m[i], b.width2[i], b.next[i] = c.x, c.y, c.z, c.m, c.width2, c.next
}

// cell returns the cell of the points at sorted positions lo to hi and adds the blocks below it.
func (t *tree) cell(lo, hi int) cell {
	shared := bits.LeadingZeros64(t.code(lo)^t.code(hi-1)) - (64 - t.codeBits())
	level := shared / t.dims // bits a coordinate
	deepest := t.codeBits() / t.dims
	if level >= deepest || hi-lo <= leafSize {
		return t.leaf(lo, hi, min(level, deepest))
	}
	shift := 64 - (level+1)*t.dims
	first := len(t.blocks)
	t.blocks = append(t.blocks, noCells)
	if t.dims == 3 {
		t.blocks = append(t.blocks, noCells)
	}
	var x, y, z float64
	for at, count := lo, 0; at < hi; count++ {
		end := t.runEnd(at, hi, shift)
		c := t.cell(at, end)
		t.blocks[first+count/4].set(count%4, c)
		m := float64(c.m)
		x += m * float64(c.x)
		y += m * float64(c.y)
		z += m * float64(c.z)
		at = end
	}
	m := float64(hi - lo)
	return cell{x: float32(x / m), y: float32(y / m), z: float32(z / m), m: float32(m), width2: t.width2[level], next: int32(first)}
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

func (t *tree) codeBits() int {
	if t.dims == 2 {
		return 2 * bits2
	}
	return 3 * bits3
}

// code returns the position on the curve of a sorted point.
func (t *tree) code(pos int) uint64 {
	return t.keys[pos] >> (64 - t.codeBits())
}

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
	}
	return c
}

// box is the smallest one around a group of points, by centre and half width.
type box struct {
	center, half [3]float32
}

func (t *tree) groupBox(lo int) (b box) {
	for c := range t.dims {
		p := t.points[c][lo : lo+groupSize]
		least, most := p[0], p[0]
		for _, v := range p[1:] {
			least, most = min(least, v), max(most, v)
		}
		b.center[c] = (least + most) / 2
		// No point may lie outside for rounding.
		b.half[c] = max(most-b.center[c], b.center[c]-least)
	}
	return b
}

// walkList is the scratch and the result of a walk.
type walkList struct {
	bodies
	queue, leaves []int32   // blocks to look at; first points, inverted, of leaves to list
	counts        []float32 // of points of those leaves
}

func newWalkList(n int) *walkList {
	l := &walkList{queue: make([]int32, n+8), leaves: make([]int32, n+8), counts: make([]float32, n+8)}
	for _, v := range []*[]float32{&l.x, &l.y, &l.z, &l.m} {
		*v = make([]float32, n+2*leafSize)
	}
	return l
}

// walk lists what repels the points in a box: cells whose width is below
// theta times their distance from the whole box, and the points of leaves nearer than that. Every
// point is in the list exactly once, alone or in a cell. It returns the number of bodies listed.
func (t *tree) walk(b *box, theta2 float32, l *walkList) int {
	var count, leaves int
	if t.dims == 2 {
		count, leaves = walk2(t.blocks, b, theta2, l)
	} else {
		count, leaves = walk3Go(t.blocks, b, theta2, l)
	}
	return t.spill(l, count, leaves)
}

// all lists every point by itself.
func (t *tree) all(l *walkList) int {
	l.leaves[0], l.counts[0] = ^0, float32(len(t.keys))
	return t.spill(l, 0, 1)
}

// spill appends the points of the listed leaves to the count bodies.
func (t *tree) spill(l *walkList, count, leaves int) int {
	for c, dst := range [][]float32{l.x, l.y, l.z}[:t.dims] {
		spill(dst[count:], t.points[c], l.leaves[:leaves], l.counts[:leaves])
	}
	total := count
	for _, points := range l.counts[:leaves] {
		total += int(points)
	}
	ones := l.m[count:total]
	for i := range ones {
		ones[i] = 1
	}
	return total
}

// walk2Go lists cells for walk: those summed as one in l's bodies, leaves to be listed point by
// point in its leaves and counts; it returns the number of both.
func walk2Go(blocks []cells, b *box, theta2 float32, l *walkList) (count, leaves int) {
	l.queue[0] = 0
	for head, tail := 0, 1; head < tail; head++ {
		c := &blocks[l.queue[head]]
		for i := range 4 {
			dx := max(abs(c.x[i]-b.center[0])-b.half[0], 0)
			dy := max(abs(c.y[i]-b.center[1])-b.half[1], 0)
			d2 := float32(dx*dx) + float32(dy*dy)
			switch {
			case float32(theta2*d2) > c.width2[i]:
				l.x[count], l.y[count], l.m[count] = c.x[i], c.y[i], c.m[i]
				count++
			case c.next[i] > 0:
				l.queue[tail] = c.next[i]
				tail++
			case c.next[i] < 0:
				l.leaves[leaves], l.counts[leaves] = c.next[i], c.m[i]
				leaves++
			}
		}
	}
	return count, leaves
}

// walk3Go is walk2Go in space.
func walk3Go(blocks []cells, b *box, theta2 float32, l *walkList) (count, leaves int) {
	l.queue[0] = 0
	for head, tail := 0, 1; head < tail; head++ {
		c := &blocks[l.queue[head]]
		for i := range 4 {
			dx := max(abs(c.x[i]-b.center[0])-b.half[0], 0)
			dy := max(abs(c.y[i]-b.center[1])-b.half[1], 0)
			dz := max(abs(c.z[i]-b.center[2])-b.half[2], 0)
			d2 := (float32(dx*dx) + float32(dy*dy)) + float32(dz*dz)
			switch {
			case float32(theta2*d2) > c.width2[i]:
				l.x[count], l.y[count], l.z[count], l.m[count] = c.x[i], c.y[i], c.z[i], c.m[i]
				count++
			case c.next[i] > 0:
				l.queue[tail], l.queue[tail+1] = c.next[i], c.next[i]+1
				tail += 2
			case c.next[i] < 0:
				l.leaves[leaves], l.counts[leaves] = c.next[i], c.m[i]
				leaves++
			}
		}
	}
	return count, leaves
}

func abs(v float32) float32 { return max(v, -v) }
