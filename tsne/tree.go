package tsne

import "math/bits"

// leafSize is the number of points below which a cell is not divided.
const leafSize = 8

// child is one cell of the quadtree or octree: its centre of mass, number of points, squared
// width, and where it leads: an inner cell to the block of its children, a leaf to its points.
//
// The width of a cell whose points all coincide is negative: it can always be summed as one.
type child struct {
	x, y, z, m float32
	width2     float32
	// next is the first child's index for an inner cell; for a leaf it is ^first
	// of its points, of which there are m.
	next  int32
	count int32 // children of an inner cell
}

// tree is a quadtree (dims 2) or octree (dims 3) over points sorted along a
// space-filling curve, on which every cell is a run of points.
//
// Cells with a single occupied child are skipped: a cell is the smallest one that holds its points.
type tree struct {
	dims   int
	keys   []uint64 // position on the curve, then point, sorted
	tmp    []uint64
	points [3][]float32 // sorted coordinates, padded to whole groups by repeating the last point
	cells  []child
	root   child
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
	t.cells = t.cells[:0]
	t.root = t.cell(0, len(t.keys))
}

// cell returns the cell of the points at sorted positions lo to hi and appends those
// below it, every cell's children side by side.
func (t *tree) cell(lo, hi int) child {
	shared := bits.LeadingZeros64(t.code(lo)^t.code(hi-1)) - (64 - t.codeBits())
	level := shared / t.dims // bits a coordinate
	deepest := t.codeBits() / t.dims
	if level >= deepest || hi-lo <= leafSize {
		return t.leaf(lo, hi, min(level, deepest))
	}
	shift := t.codeBits() - (level+1)*t.dims
	// The children are made first, then stored together.
	var made [8]child
	count := 0
	for at := lo; at < hi; {
		digit := t.code(at) >> shift
		end := at + 1
		// Gallop to the end of the run with the same digit.
		for step := 1; end < hi && t.code(end)>>shift == digit; step *= 2 {
			at2 := min(end+step, hi)
			if t.code(at2-1)>>shift == digit {
				end = at2
				continue
			}
			l, h := end, at2-1 // l has the digit, h has not
			for l+1 < h {
				if mid := (l + h) / 2; t.code(mid)>>shift == digit {
					l = mid
				} else {
					h = mid
				}
			}
			end = h
			break
		}
		made[count] = t.cell(at, end)
		count++
		at = end
	}
	c := child{width2: t.width2[level], next: int32(len(t.cells)), count: int32(count)}
	var x, y, z, m float64
	for _, k := range made[:count] {
		w := float64(k.m)
		x += w * float64(k.x)
		y += w * float64(k.y)
		z += w * float64(k.z)
		m += w
	}
	c.x, c.y, c.z, c.m = float32(x/m), float32(y/m), float32(z/m), float32(m)
	t.cells = append(t.cells, made[:count]...)
	return c
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

func (t *tree) leaf(lo, hi, level int) child {
	c := child{m: float32(hi - lo), width2: t.width2[level], next: ^int32(lo)}
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

// walk lists what repels the points in a box: cells whose width is below theta times their
// distance from the whole box, and the points of leaves nearer than that. Every point is in
// the list exactly once, alone or in a cell. stack is scratch.
func (t *tree) walk(b box, theta2 float32, list *bodies, stack []int32) (count int, _ []int32) {
	visit := func(c *child) {
		dx := max(abs(c.x-b.center[0])-b.half[0], 0)
		dy := max(abs(c.y-b.center[1])-b.half[1], 0)
		d2 := float32(dx*dx) + float32(dy*dy)
		if t.dims == 3 {
			dz := max(abs(c.z-b.center[2])-b.half[2], 0)
			d2 += float32(dz * dz)
		}
		switch {
		case c.width2 < float32(theta2*d2):
			list.x[count], list.y[count], list.m[count] = c.x, c.y, c.m
			if t.dims == 3 {
				list.z[count] = c.z
			}
			count++
		case c.next < 0:
			lo := int(^c.next)
			size := int(c.m)
			copy(list.x[count:], t.points[0][lo:lo+size])
			copy(list.y[count:], t.points[1][lo:lo+size])
			if t.dims == 3 {
				copy(list.z[count:], t.points[2][lo:lo+size])
			}
			for i := range size {
				list.m[count+i] = 1
			}
			count += size
		default:
			stack = append(stack, c.next, c.count)
		}
	}
	stack = stack[:0]
	visit(&t.root)
	for len(stack) > 0 {
		first, size := stack[len(stack)-2], stack[len(stack)-1]
		stack = stack[:len(stack)-2]
		for i := range size {
			visit(&t.cells[first+i])
		}
	}
	return count, stack
}

func abs(v float32) float32 { return max(v, -v) }
