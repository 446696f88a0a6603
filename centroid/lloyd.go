package centroid

import (
	"context"
	"math"
)

// lloyd is the state of one k-means start. All distances are plain, not squared,
// but for the names that begin with sq.
type lloyd struct {
	o       KMeansOptions
	x       []float32
	n, d    int
	sq      []float64 // squared norm of each row
	minMove float64   // squared moves of the centres that end a start

	centers *table    // K x d
	between []float64 // K x K: half the distance between two centres
	label   []int
	upper   []float64 // no less than the distance of a row to its centre
	lower   []float64 // n x K: no more than the distance of a row to a centre
	sums    []float64 // K x d: sum of the rows of each cluster
	counts  []int
}

func newLloyd(x []float32, n, d int, o KMeansOptions) *lloyd {
	l := &lloyd{o: o, x: x, n: n, d: d, sq: make([]float64, n),
		centers: newTable(o.K, d), between: make([]float64, o.K*o.K),
		label: make([]int, n), upper: make([]float64, n), lower: make([]float64, n*o.K),
		sums: make([]float64, o.K*d), counts: make([]int, o.K)}
	parallel(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			l.sq[i] = dot(l.row(i), l.row(i))
		}
	})
	all, sum := make([]move, n), make([]float64, d)
	var meanSq float64
	for i, v := range l.sq {
		all[i] = move{row: i, from: -1}
		meanSq += v / float64(n)
	}
	apply(all, sum, x, d)
	for _, v := range sum {
		meanSq -= v / float64(n) * v / float64(n)
	}
	l.minMove = o.Tolerance * max(0, meanSq) / float64(d)
	return l
}

func (l *lloyd) row(i int) []float32 { return l.x[i*l.d : (i+1)*l.d] }

// distance returns the distance of row i to centre k.
func (l *lloyd) distance(i, k int) float64 {
	return math.Sqrt(max(0, l.sq[i]+l.centers.sq[k]-2*dot(l.row(i), l.centers.row(k))))
}

// run iterates from the centres that are set until they rest.
func (l *lloyd) run(ctx context.Context, start int) (*Clustering, error) {
	clear(l.sums)
	clear(l.counts)
	l.assignAll()
	moves := make([]move, l.n)
	for i, k := range l.label {
		moves[i] = move{row: i, from: -1, to: k}
		l.counts[k]++
	}
	iteration, converged := 0, false
	for iteration < l.o.MaxIterations && !converged && ctx.Err() == nil {
		iteration++
		moves = l.fillEmpty(moves)
		apply(moves, l.sums, l.x, l.d)
		sqMove := l.moveCenters()
		moves = l.assign(moves[:0])
		converged = len(moves) == 0 || sqMove <= l.minMove
		if l.o.Progress != nil {
			l.o.Progress(start, iteration)
		}
	}
	if iteration == 0 {
		return nil, ctx.Err()
	}
	c, err := l.result(start, iteration)
	if err != nil {
		return nil, err
	}
	if c.Converged = converged; !converged {
		return c, ctx.Err()
	}
	return c, nil
}

// result sorts the rows in once more, by the centres as they are now.
func (l *lloyd) result(start, iterations int) (*Clustering, error) {
	c := &Clustering{Start: start, Iterations: iterations, Centroids: &Centroids{
		Classes: make([]int, l.o.K), Counts: make([]int, l.o.K),
		Dim: l.d, Metric: l.o.Metric}}
	for k := range c.Centroids.Classes {
		c.Centroids.Classes[k] = k
		c.Centroids.Centers = append(c.Centroids.Centers, l.centers.row(k)...)
	}
	var err error
	if c.Labels, err = c.Centroids.Predict(l.x, l.n); err != nil {
		return nil, err
	}
	parallel(l.n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			l.upper[i] = l.distance(i, c.Labels[i])
		}
	})
	for i, k := range c.Labels {
		c.Centroids.Counts[k]++
		c.Inertia += float64(l.upper[i] * l.upper[i])
	}
	return c, nil
}

// assignAll computes every distance and puts each row to its nearest centre.
func (l *lloyd) assignAll() {
	parallel(l.n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			lower := l.lower[i*l.o.K : (i+1)*l.o.K]
			best := 0
			for k := range lower {
				lower[k] = l.distance(i, k)
				if lower[k] < lower[best] {
					best = k
				}
			}
			l.label[i], l.upper[i] = best, lower[best]
		}
	})
}

// fillEmpty gives each empty cluster the row that is farthest from its centre,
// and adds these moves.
func (l *lloyd) fillEmpty(moves []move) []move {
	measured := false
	for k, count := range l.counts {
		if count > 0 {
			continue
		}
		if !measured {
			measured = true
			parallel(l.n, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					l.upper[i] = l.distance(i, l.label[i])
				}
			})
		}
		far := -1
		for i, u := range l.upper {
			if l.counts[l.label[i]] > 1 && u > 0 && (far < 0 || u > l.upper[far]) {
				far = i
			}
		}
		if far < 0 {
			break
		}
		moves = append(moves, move{row: far, from: l.label[far], to: k})
		l.counts[l.label[far]]--
		l.counts[k]++
		l.label[far], l.upper[far] = k, l.distance(far, k)
	}
	return moves
}

// moveCenters puts each centre to the mean of its rows, at unit length for
// Cosine, adapts the bounds and returns the sum of the squared moves.
func (l *lloyd) moveCenters() (sqMove float64) {
	k, d := l.o.K, l.d
	moved, mean := make([]float64, k), make([]float32, d)
	for c := range k {
		sum, scale := l.sums[c*d:(c+1)*d], 1/float64(l.counts[c])
		if l.counts[c] == 0 {
			continue
		}
		if l.o.Metric == Cosine {
			var sq float64
			for _, v := range sum {
				sq += float64(v * v)
			}
			if sq > normEps*normEps {
				scale = 1 / math.Sqrt(sq)
			}
		}
		var sq float64
		for j, old := range l.centers.row(c) {
			mean[j] = float32(sum[j] * scale)
			step := float64(mean[j]) - float64(old)
			sq += float64(step * step)
		}
		l.centers.set(c, mean)
		sqMove += sq
		moved[c] = math.Sqrt(sq)
	}
	for a := range k {
		for b := range a {
			h := math.Sqrt(max(0,
				l.centers.sq[a]+l.centers.sq[b]-2*dot(l.centers.row(a), l.centers.row(b)))) / 2
			l.between[a*k+b], l.between[b*k+a] = h, h
		}
	}
	parallel(l.n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			l.upper[i] += moved[l.label[i]]
			for c, m := range moved {
				l.lower[i*k+c] -= m
			}
		}
	})
	return sqMove
}

// assign puts each row to its nearest centre, computing only what the bounds
// leave open, and appends the moves this makes, in order of rows.
func (l *lloyd) assign(moves []move) []move {
	before := append([]int(nil), l.label...)
	parallel(l.n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			lower := l.lower[i*l.o.K : (i+1)*l.o.K]
			a, u, tight := l.label[i], l.upper[i], false
			for c, low := range lower {
				if c == a || u <= low || u <= l.between[a*l.o.K+c] {
					continue
				}
				if !tight {
					tight = true
					u = l.distance(i, a)
					lower[a] = u
					if u <= low || u <= l.between[a*l.o.K+c] {
						continue
					}
				}
				if lower[c] = l.distance(i, c); lower[c] < u {
					a, u = c, lower[c]
				}
			}
			l.label[i], l.upper[i] = a, u
		}
	})
	for i, from := range before {
		if to := l.label[i]; to != from {
			moves = append(moves, move{row: i, from: from, to: to})
			l.counts[from]--
			l.counts[to]++
		}
	}
	return moves
}
