package tsne

import (
	"math/rand/v2"
	"slices"
)

const (
	cellRows    = 60  // rows that a cell should have
	cellMost    = 192 // rows that it has at most
	cellRounds  = 6   // iterations of k-means
	cellSampled = 128 // rows for each centre of the upper level
)

// divide sets cells, order, coords and half.
func (s *approximate) divide() error {
	n, w := s.n, s.width
	count := (n + cellRows - 1) / cellRows
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	groups := [][]int32{all}
	if count > 32 {
		upper := 1
		for upper*upper < count {
			upper++
		}
		groups = s.split(all, upper)
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	parts := make([][][]int32, len(groups))
	works := make([]*cellWork, s.pool.size())
	for i := range works {
		works[i] = newCellWork(s)
	}
	s.pool.run(len(groups), func(g, worker int) {
		if s.ctx.Err() != nil {
			return
		}
		parts[g] = works[worker].cells(groups[g])
	})
	if err := s.ctx.Err(); err != nil {
		return err
	}
	s.order = make([]int32, 0, n+n/8)
	for _, part := range parts {
		for _, rows := range part {
			lo := len(s.order)
			s.order = append(s.order, rows...)
			for len(s.order)%panel != 0 {
				s.order = append(s.order, -1)
			}
			s.cells = append(s.cells, neighborCell{lo: int32(lo), hi: int32(len(s.order))})
		}
	}
	s.place = make([]int32, len(s.order))
	for pos, place := 0, int32(0); pos < len(s.order); pos++ {
		s.place[pos] = place
		if s.order[pos] >= 0 {
			place++
		}
	}
	// The graph's memory beyond its end is for the joint probabilities: until then there is room.
	s.coords = s.graph.Distance[n*s.keep : cap(s.graph.Distance)]
	if len(s.coords) < len(s.order)*w {
		s.coords = make([]float32, len(s.order)*w)
	}
	s.half = make([]float32, len(s.order))
	if s.d == w {
		s.sorted = make([]float32, len(s.order)*w)
	}
	s.pool.run(len(s.cells), func(c, _ int) { s.fill(&s.cells[c]) })
	return nil
}

// fill computes a cell's centre, coordinates and norms.
func (s *approximate) fill(c *neighborCell) {
	w := s.width
	rows := s.order[c.lo:c.hi]
	for rows[len(rows)-1] < 0 {
		rows = rows[:len(rows)-1]
	}
	sum := make([]float64, w)
	for _, row := range rows {
		for j, v := range s.z[int(row)*w:][:w] {
			sum[j] += float64(v - s.mean[j])
		}
	}
	c.center = make([]float32, w)
	for j, v := range sum {
		c.center[j] = float32(v / float64(len(rows)))
	}
	for pos := int(c.lo); pos < int(c.hi); pos++ {
		if pos >= int(c.lo)+len(rows) {
			s.half[pos] = infinity // its coordinates are 0
			continue
		}
		row := int(s.order[pos])
		from, to := s.z[row*w:][:w], s.coords[pos/panel*w*panel+pos%panel:]
		var norm float32
		for j, v := range from {
			v = v - s.mean[j] - c.center[j]
			to[j*panel] = v
			norm += float32(v * v)
		}
		if s.rest != nil {
			norm += s.rest[row]
		}
		s.half[pos] = norm / 2
		if s.sorted != nil {
			copy(s.sorted[pos*w:], s.x[row*w:][:w])
		}
	}
}

// split divides rows into groups around count centres made from a sample.
func (s *approximate) split(rows []int32, count int) [][]int32 {
	sample := rows
	if most := count * cellSampled; len(rows) > most {
		sample = make([]int32, most)
		for i := range sample {
			sample[i] = rows[i*(len(rows)/most)]
		}
	}
	w := newCellWork(s)
	centers := w.kmeans(sample, count)
	label := make([]int32, len(rows))
	works := make([]*cellWork, s.pool.size())
	for i := range works {
		works[i] = newCellWork(s)
		works[i].set(centers, count)
	}
	s.pool.blocks(len(rows), 40*panel,
		func(lo, hi, worker int) { works[worker].assign(label[lo:hi], rows[lo:hi]) })
	return grouped(rows, label, count)
}

// grouped returns the rows of each label, in their order, without empty groups.
func grouped(rows, label []int32, count int) [][]int32 {
	sizes := make([]int, count)
	for _, l := range label {
		sizes[l]++
	}
	groups := make([][]int32, count)
	for i, size := range sizes {
		groups[i] = make([]int32, 0, size)
	}
	for i, l := range label {
		groups[l] = append(groups[l], rows[i])
	}
	return slices.DeleteFunc(groups, func(g []int32) bool { return len(g) == 0 })
}

// cellWork is a worker's scratch.
type cellWork struct {
	*approximate
	count   int
	centers []float32 // in panels
	half    []float32
	rows    []float32 // a panel
	dots    []float32
	keys    []uint64
}

func newCellWork(s *approximate) *cellWork {
	return &cellWork{approximate: s, rows: make([]float32, s.width*panel)}
}

// set packs the centres, count x width.
func (w *cellWork) set(centers []float32, count int) {
	panels := (count + panel - 1) / panel
	w.count = count
	w.centers = slices.Grow(w.centers[:0], panels*panel*w.width)[:panels*panel*w.width]
	w.half = slices.Grow(w.half[:0], panels*panel)[:panels*panel]
	w.dots = slices.Grow(w.dots[:0], panel*panels*panel)[:panel*panels*panel]
	for c := range panels * panel {
		if c >= count {
			w.half[c] = infinity
			for j := range w.width {
				w.centers[c/panel*panel*w.width+j*panel+c%panel] = 0
			}
			continue
		}
		var half float32
		for j, v := range centers[c*w.width : (c+1)*w.width] {
			w.centers[c/panel*panel*w.width+j*panel+c%panel] = v
			half += float32(v * v)
		}
		w.half[c] = half / 2
	}
}

// assign sets the nearest centre of each row.
func (w *cellWork) assign(label, rows []int32) {
	size := len(w.half)
	for lo := 0; lo < len(rows); lo += panel {
		part := rows[lo:min(lo+panel, len(rows))]
		w.pack(w.rows, part)
		for c := 0; c < size; c += panel {
			for i := 0; i < len(part); i += 4 {
				productFused4x24(w.dots[i*size+c:], size, w.rows[i:], w.centers[c*w.width:],
					w.width)
			}
		}
		for i := range part {
			label[lo+i] = nearest(w.half, w.dots[i*size:(i+1)*size])
		}
	}
}

// nearest returns the place of the least half - dot.
func nearest(half, dot []float32) int32 {
	best, at := infinity, 0
	dot = dot[:len(half)]
	for c, h := range half {
		if v := h - dot[c]; v < best {
			best, at = v, c
		}
	}
	return int32(at)
}

// kmeans returns count centres (count x width) of the rows by Lloyd's algorithm, started at
// rows drawn at random.
func (w *cellWork) kmeans(rows []int32, count int) []float32 {
	d := w.width
	centers := make([]float32, count*d)
	rng := rand.New(rand.NewPCG(uint64(len(rows)), uint64(count)))
	for c := range count {
		row := int(rows[rng.IntN(len(rows))])
		for j, v := range w.z[row*d : (row+1)*d] {
			centers[c*d+j] = v - w.mean[j]
		}
	}
	label := make([]int32, len(rows))
	sizes := make([]int, count)
	for range cellRounds {
		w.set(centers, count)
		w.assign(label, rows)
		clear(sizes)
		for _, l := range label {
			sizes[l]++
		}
		for c, size := range sizes {
			if size > 0 {
				clear(centers[c*d : (c+1)*d])
			}
		}
		for i, row := range rows {
			to := centers[int(label[i])*d:][:d]
			for j, v := range w.z[int(row)*d:][:d] {
				to[j] += v - w.mean[j]
			}
		}
		for c, size := range sizes {
			if size > 0 {
				for j := range d {
					centers[c*d+j] /= float32(size)
				}
			}
		}
	}
	return centers
}

// cells divides rows into cells of at most cellMost rows.
func (w *cellWork) cells(rows []int32) [][]int32 {
	groups := [][]int32{rows}
	if count := (len(rows) + cellRows - 1) / cellRows; count > 1 {
		centers := w.kmeans(rows, count)
		label := make([]int32, len(rows))
		w.set(centers, count)
		w.assign(label, rows)
		groups = grouped(rows, label, count)
	}
	var cells [][]int32
	for _, g := range groups {
		w.keys = slices.Grow(w.keys[:0], len(g))[:len(g)]
		cut(g, w.keys, w.z, w.width, panel)
		for lo := 0; lo < len(g); lo += cellMost {
			cells = append(cells, g[lo:min(lo+cellMost, len(g))])
		}
	}
	return cells
}
