package tsne

import (
	"math"
	"math/bits"
	"slices"
)

// probe is a worker's scratch for runs of 24 rows.
type probe struct {
	*approximate
	want, room          int // candidates kept of each row, and room for them
	centers, centerHalf []float32
	own                 int // the cell of the run
	// the run's coordinates from the mean and from a cell's centre
	rows, moved []float32
	left        [panel]float32 // of the rows, what their coordinates leave out
	mid         []float32      // the run's centre in the place of one row of a panel
	products    []float32
	mask        []byte
	none        []float32 // -Inf
	near        []uint64  // cells by distance
	keys        []uint64  // 24 x room candidates
	fill        [panel]int
	bound       [panel]float32
}

func newProbe(s *approximate, centers, centerHalf []float32) *probe {
	p := &probe{approximate: s, centers: centers, centerHalf: centerHalf}
	p.want = min(s.k+2, s.n-1) // rounding alone can put a candidate in another's place
	if s.rest != nil {
		p.want = s.keep
	}
	p.room = 2*p.want + 64
	most := len(centerHalf)
	for _, c := range s.cells {
		most = max(most, int(c.hi-c.lo))
	}
	p.rows, p.moved, p.mid = make([]float32, s.width*panel), make([]float32, s.width*panel),
		make([]float32, s.width*panel)
	p.products = make([]float32, panel*most)
	p.mask = make([]byte, most/8+8)
	p.none = make([]float32, most)
	for i := range p.none {
		p.none[i] = -infinity
	}
	p.near = make([]uint64, len(s.cells))
	p.keys = make([]uint64, panel*p.room)
	return p
}

// do finds the neighbours of the rows of one panel.
func (p *probe) do(at int) {
	w := p.width
	rows := p.order[at*panel : (at+1)*panel]
	from := p.coords[at*w*panel : (at+1)*w*panel]
	valid := 0
	for valid < panel && rows[valid] >= 0 {
		valid++
	}
	if valid == 0 {
		return
	}
	for p.own < len(p.cells)-1 && int(p.cells[p.own].hi) <= at*panel {
		p.own++
	}
	for int(p.cells[p.own].lo) > at*panel {
		p.own--
	}
	center := p.cells[p.own].center
	for j := range w {
		var sum float32
		for i, v := range from[j*panel : (j+1)*panel] {
			p.rows[j*panel+i] = v + center[j]
			if i < valid {
				sum += p.rows[j*panel+i]
			}
		}
		p.mid[j*panel] = sum / float32(valid)
	}
	p.left = [panel]float32{}
	if p.rest != nil {
		for i, row := range rows[:valid] {
			p.left[i] = p.rest[row]
		}
	}
	// Cells by the distance of their centres, up to enough rows.
	for c := 0; c < len(p.centerHalf); c += panel {
		productFused4x24(p.products[c*4:], panel, p.mid, p.centers[c*w:], w)
	}
	for c := range p.cells {
		v := p.centerHalf[c] - p.products[c/panel*panel*4+c%panel]
		p.near[c] = uint64(orderedBits(v))<<32 | uint64(uint32(c))
	}
	budget := approxRows * max(p.k, 32)
	count := min(len(p.near), 2*budget/cellRows+2)
	selectKeys(p.near, count)
	slices.Sort(p.near[:count])
	for i := range valid {
		p.fill[i], p.bound[i] = 0, infinity
	}
	for _, key := range p.near[:count] {
		c := p.cells[uint32(key)]
		p.compare(at, valid, c)
		if budget -= int(c.hi - c.lo); budget <= 0 && p.fill[0] >= p.keep {
			break
		}
	}
	for i := range valid {
		p.finish(i, int32(at*panel+i))
	}
}

// orderedBits maps float32s to integers that are ordered as they are.
func orderedBits(v float32) uint32 {
	b := math.Float32bits(v)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// compare offers a cell's rows to the first valid rows of the panel.
func (p *probe) compare(at, valid int, c neighborCell) {
	w, size := p.width, int(c.hi-c.lo)
	// From the cell's centre, so that numbers are small and rounding harmless.
	norm := p.left
	for j, m := range c.center {
		from, to := (*[panel]float32)(p.rows[j*panel:]), (*[panel]float32)(p.moved[j*panel:])
		for i, v := range from {
			v -= m
			to[i] = v
			norm[i] += float32(v * v)
		}
	}
	for j := 0; j < size; j += panel {
		cols := p.coords[(int(c.lo)+j)*w:][:panel*w]
		for i := 0; i < valid; i += 4 {
			productFused4x24(p.products[i*size+j:], size, p.moved[i:], cols, w)
		}
	}
	half := p.half[c.lo:c.hi]
	for i := range valid {
		g := p.products[i*size:][:size]
		self := at*panel + i - int(c.lo)
		h := float32(norm[i] / 2)
		pass(p.mask, g, half, p.none[:size], h, p.bound[i])
		keys := p.keys[i*p.room:][:p.room]
		fill := p.fill[i]
		for b := 0; b < size/8; b++ {
			for m := uint(p.mask[b]); m != 0; m &= m - 1 {
				j := b*8 + bits.TrailingZeros(m)
				if j == self {
					continue
				}
				keys[fill] = pairKey(max(h+half[j]-g[j], 0), c.lo+int32(j))
				if fill++; fill == len(keys) {
					selectKeys(keys, p.want)
					fill = p.want
					p.bound[i] = math.Float32frombits(uint32(slices.Max(keys[:fill]) >> 32))
				}
			}
		}
		p.fill[i] = fill
	}
}

// finish writes the nearest of the candidates of row i of the panel to the graph.
func (p *probe) finish(i int, pos int32) {
	keys := p.keys[i*p.room:][:p.fill[i]]
	if len(keys) > p.want {
		selectKeys(keys, p.want)
		keys = keys[:p.want]
	}
	k := p.keep
	for j, key := range keys {
		other := int32(uint32(key))
		keys[j] = pairKey(p.distance(pos, other), other)
	}
	if len(keys) > k {
		selectKeys(keys, k)
		keys = keys[:k]
	}
	at := int(p.place[pos]) * k
	setNeighbors(p.graph.Index[at:at+k], p.graph.Distance[at:at+k], keys)
}

// selectKeys moves the count smallest keys, all different, to the front, in any order.
func selectKeys(keys []uint64, count int) {
	lo, hi := 0, len(keys)
	for count > lo && count < hi {
		// The pivot is the median of three.
		a, b, c := keys[lo], keys[(lo+hi)/2], keys[hi-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi-1
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i++
				j--
			}
		}
		if count <= j {
			hi = j + 1
		} else if count >= i {
			lo = i
		} else {
			return
		}
	}
}
