package tsne

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
		b.center[c] = float32((least + most) / 2)
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

// newWalkList has room for any tree of n points: it has fewer inner cells than points, each with
// one block of children in the plane and two in space.
func newWalkList(n, dims int) *walkList {
	l := &walkList{queue: make([]int32, (dims-1)*n+8), leaves: make([]int32, n+8),
		counts: make([]float32, n+8)}
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
