package tsne

// field computes the forces on n points: the gradient of the KL divergence is
// 4 (attraction - repulsion / Z), with attraction sum over j of p q d, repulsion sum of
// q² d and Z = sum over all pairs of q, where d = y(i) - y(j) and q = 1/(1+|d|²)
// (van der Maaten 2014, equations 5 and 7).
//
// Points live in an order of the field's own, along a space-filling curve that reorder
// refreshes. Work is cut the same way whatever the number of threads, each
// point sums into its own slot, and totals are summed in the order of the points.
type field struct {
	pool    *pool
	n, dims int // dims is 2 or 3; one component is kept in a plane
	stride  int // values a point: 2, or 4 in space
	theta2  float32
	exact   bool
	alpha   float64 // of stretch

	joint *joint // P, whose columns are places
	// P's rows lie as neighbours do: attraction goes along them, not along places
	byRow      bool
	rows       []int32   // of the matrix embedded, for each row of P; nil where they are the same
	order      []int32   // row of P at each place
	place      []int32   // of each row of P
	pos        []float32 // n x stride
	attraction []float32 // n x stride
	repulsion  []float32 // n x stride

	tree    *tree
	partZ   []float64 // of each chunk of groups
	partLog []float64 // of each chunk of rows: sum p log(1+d²)
	partBox [][6]float32
	scratch []fieldScratch
	entropy float64 // sum p log p
	totalP  float64
	z       float64 // of the last compute
	logSum  float64 // of the last compute that was asked for the divergence
}

type fieldScratch struct {
	list  *walkList
	out   interaction
	alpha float32 // of the kernels; 0 is 1
	_     [64]byte
}

const (
	rowChunk   = 256  // rows of P a task
	groupChunk = 4    // groups a task
	listChunk  = 256  // bodies summed in one go, to keep float32 sums short
	moveChunk  = 2048 // points a task of the optimiser
)

// newField places the points at y, n x components. It takes over q.
func newField(p *pool, q *joint, y []float32, components int, theta float64, exact bool) *field {
	n := q.n
	f := &field{pool: p, n: n, dims: max(components, 2), stride: 2, theta2: float32(theta * theta),
		exact: exact, alpha: 1, joint: q}
	if f.dims == 3 {
		f.stride = 4
	}
	f.order, f.place = make([]int32, n), make([]int32, n)
	f.pos = make([]float32, n*f.stride)
	for i := range n {
		f.order[i], f.place[i] = int32(i), int32(i)
		for c := range components {
			f.pos[i*f.stride+c] = y[i*components+c]
		}
	}
	f.attraction = make([]float32, n*f.stride)
	f.repulsion = make([]float32, n*f.stride)
	f.tree = newTree(p, n, f.dims)
	f.tree.theta2 = f.theta2
	groups := (n + groupSize - 1) / groupSize
	f.partZ = make([]float64, (groups+groupChunk-1)/groupChunk)
	f.partLog = make([]float64, (n+rowChunk-1)/rowChunk)
	f.partBox = make([][6]float32, (n+moveChunk-1)/moveChunk)
	f.scratch = make([]fieldScratch, p.size())
	for i := range f.scratch {
		f.scratch[i].list = newWalkList(n, f.dims)
	}
	f.entropy, f.totalP = q.sums(p)
	f.measureBox()
	return f
}

// reorder sorts the points along the curve, renames P's columns accordingly, and returns, for
// each new place, the old one, for the caller to move its own values by.
func (f *field) reorder() []int32 {
	lo, side := f.box()
	f.tree.sort(f.pos, f.stride, lo, side)
	from := make([]int32, f.n)
	order := make([]int32, f.n)
	f.pool.blocks(f.n, moveChunk, func(lo, hi, _ int) {
		for k := lo; k < hi; k++ {
			from[k] = int32(f.tree.index(k))
			order[k] = f.order[from[k]]
		}
	})
	to := f.order // scratch from here on: of each old place, the new one
	f.order = order
	f.move(f.pos, from)
	for k, i := range from {
		to[i] = int32(k)
		f.place[f.order[k]] = int32(k)
	}
	columns := f.joint.columns
	f.pool.blocks(len(columns), 1<<15, func(lo, hi, _ int) {
		for e, c := range columns[lo:hi] {
			columns[lo+e] = to[c]
		}
	})
	return from
}

// move re-orders n x stride values: place k gets those of place from[k].
func (f *field) move(v []float32, from []int32) {
	old := f.attraction // free between computes
	copy(old, v)
	f.pool.blocks(f.n, moveChunk, func(lo, hi, _ int) {
		for k := lo; k < hi; k++ {
			copy(v[k*f.stride:(k+1)*f.stride], old[int(from[k])*f.stride:])
		}
	})
}

// measureBox sets the chunks' boxes from the positions.
func (f *field) measureBox() {
	f.pool.blocks(f.n, moveChunk, func(lo, hi, _ int) { f.chunkBox(lo, hi) })
}

func (f *field) chunkBox(lo, hi int) {
	var least, most [8]float32
	for i := range least {
		least[i], most[i] = infinity, -infinity
	}
	extent(&least, &most, f.pos[lo*f.stride:hi*f.stride])
	b := &f.partBox[lo/moveChunk]
	*b = [6]float32{infinity, infinity, infinity, -infinity, -infinity, -infinity}
	for i := range least {
		if c := i % f.stride; c < f.dims {
			b[c], b[3+c] = min(b[c], least[i]), max(b[3+c], most[i])
		}
	}
}

// box returns a square or cube around all points.
func (f *field) box() (lo [3]float32, side float32) {
	b := f.partBox[0]
	for _, o := range f.partBox[1:] {
		for c := range f.dims {
			b[c], b[3+c] = min(b[c], o[c]), max(b[3+c], o[3+c])
		}
	}
	for c := range f.dims {
		lo[c] = b[c]
		side = max(side, b[3+c]-b[c])
	}
	side *= 1 + 1e-6
	if !(side > 0) {
		side = 1
	}
	return lo, side
}

// compute sets attraction, repulsion and z from the positions, whose boxes are
// up to date, and logSum where divergence is set.
func (f *field) compute(divergence bool) {
	lo, side := f.box()
	if f.exact {
		f.tree.sort(f.pos, f.stride, lo, side)
	} else {
		f.tree.build(f.pos, f.stride, lo, side)
	}
	f.pool.blocks(f.n, rowChunk, func(lo, hi, _ int) { f.attract(lo, hi, divergence) })
	groups := (f.n + groupSize - 1) / groupSize
	f.pool.blocks(groups, groupChunk, f.repel)
	f.z = -float64(f.n) // every point has met itself, with q = 1
	for _, v := range f.partZ {
		f.z += v
	}
	if divergence {
		f.logSum = 0
		for _, v := range f.partLog {
			f.logSum += v
		}
	}
}

// divergence returns KL(P || Q) at the positions of the last compute.
func (f *field) divergence() float64 {
	return f.entropy + float64(f.alpha*f.logSum) + float64(f.totalP*log(f.z))
}

func (f *field) attract(lo, hi int, divergence bool) {
	out := f.attraction
	q := f.joint
	var sum float64
	for t := lo; t < hi; t++ {
		i, row := t, t
		if f.byRow {
			i = int(f.place[t])
		} else {
			row = int(f.order[t])
		}
		columns, p := q.columns[q.start[row]:q.start[row+1]], q.p[q.start[row]:q.start[row+1]]
		if f.dims == 2 {
			out[2*i], out[2*i+1] = attract2(f.pos, columns, p, f.pos[2*i], f.pos[2*i+1])
			if divergence {
				sum += float64(logSum2(f.pos, columns, p, f.pos[2*i], f.pos[2*i+1]))
			}
			continue
		}
		out[4*i], out[4*i+1], out[4*i+2] = attract3(f.pos, columns, p, f.pos[4*i], f.pos[4*i+1],
			f.pos[4*i+2])
		out[4*i+3] = 0 // other uses of the slice may have left something
		if divergence {
			sum += float64(logSum3(f.pos, columns, p, f.pos[4*i], f.pos[4*i+1], f.pos[4*i+2]))
		}
	}
	if divergence {
		f.partLog[lo/rowChunk] = sum
	}
}

// repel sums the repulsion on groups lo to hi of the sorted points.
func (f *field) repel(lo, hi, worker int) {
	s := &f.scratch[worker]
	t := f.tree
	var z float64
	for g := lo; g < hi; g++ {
		at := g * groupSize
		var count int
		if f.exact {
			count = t.all(s.list)
		} else {
			b := t.groupBox(at)
			count = t.walk(&b, f.theta2, s.list)
		}
		s.repel(t, at, count)
		for i := range min(groupSize, f.n-at) {
			k := t.index(at + i)
			for c := range f.dims {
				f.repulsion[k*f.stride+c] = s.out.f[c][i]
			}
			z += float64(s.out.q[i])
		}
	}
	f.partZ[lo/groupChunk] = z
}

// repel sums the repulsion of the first count listed bodies on the group of t's points from
// at into out.
func (s *fieldScratch) repel(t *tree, at, count int) {
	s.out = interaction{}
	px, py := (*[groupSize]float32)(t.points[0][at:]), (*[groupSize]float32)(t.points[1][at:])
	for lo := 0; lo < count; lo += listChunk {
		hi := min(lo+listChunk, count)
		if s.alpha > 0 {
			var pz *[groupSize]float32
			if t.dims == 3 {
				pz = (*[groupSize]float32)(t.points[2][at:])
			}
			repelAlpha(&s.out, px, py, pz, &s.list.bodies, lo, hi, s.alpha)
		} else if t.dims == 2 {
			repel2(&s.out, px, py, &s.list.bodies, lo, hi)
		} else {
			repel3(&s.out, px, py, (*[groupSize]float32)(t.points[2][at:]), &s.list.bodies, lo, hi)
		}
	}
}

// positions returns the points, n x components, in the rows' order, in y unless that is nil.
func (f *field) positions(y []float32, components int) []float32 {
	if y == nil {
		y = make([]float32, f.n*components)
	}
	for k, row := range f.order {
		if f.rows != nil {
			row = f.rows[row]
		}
		copy(y[int(row)*components:(int(row)+1)*components], f.pos[k*f.stride:])
	}
	if unit := f.unit(); unit != 1 {
		for i := range y {
			y[i] *= unit
		}
	}
	return y
}
