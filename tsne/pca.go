package tsne

import (
	"context"
	"math"
	"math/rand/v2"
)

// rotation maps rows of d values to h coordinates: the inner products of the
// row, less mean, with the basis vectors.
type rotation struct {
	d, h int
	mean []float32 // d
	// h orthonormal vectors of d values, the leading first; a zero one where the data has no
	// spread
	basis [][]float64
	// values are the variances (of the sum, not divided by n) along the basis.
	values []float64
	packed []float32 // the basis in panels: for 24 vectors at a time d x 24
}

const (
	rotateRows  = 240 // rows rotated at a time
	rotateParts = 32  // partial sums of a pass over the rows, whatever the number of threads
)

// principal finds h leading principal directions of the n x d matrix x by subspace
// iteration with a block of width at least h (Halko, Martinsson and Tropp 2011,
// algorithm 4.4, on the covariance and without forming it), at most passes times over x
// or until the h variances settle to tol. Signs follow scikit-learn's svd_flip
// (the largest entry of a direction is positive). The result does not depend on
// the number of threads. Between passes it looks whether ctx has ended.
func principal(ctx context.Context, p *pool, x []float32, n, h, block, passes int,
	tol float64) (*rotation, error) {
	d := len(x) / n
	block = min(max(block, h), d)
	h = min(h, block)
	r := &rotation{d: d, h: block, mean: columnMeans(p, x, n)}
	rng := rand.New(rand.NewPCG(1, 2))
	q := make([][]float64, block)
	for i := range q {
		q[i] = make([]float64, d)
		for j := range q[i] {
			q[i][j] = rng.NormFloat64()
		}
	}
	orthonormalize(q)
	r.basis, r.values = q, make([]float64, block)
	for range passes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		last := append([]float64(nil), r.values[:h]...)
		r.pack()
		w := r.covarianceTimes(p, x, n)
		r.rayleighRitz(w)
		settled := true
		for i, v := range r.values[:h] {
			settled = settled && math.Abs(v-last[i]) <= tol*r.values[0]
		}
		if settled {
			break
		}
	}
	r.h, r.basis, r.values = h, r.basis[:h], r.values[:h]
	for _, v := range r.basis {
		big := 0
		for j := range v {
			if math.Abs(v[j]) > math.Abs(v[big]) {
				big = j
			}
		}
		if v[big] < 0 {
			scaleBy(-1, v)
		}
	}
	r.pack()
	return r, nil
}

// rayleighRitz replaces the basis Q, given W = Q·C for the covariance C, by an
// orthonormal basis of W's span that is turned to the principal directions in it
// as far as Q knows them, and sets the variances along it.
func (r *rotation) rayleighRitz(w [][]float64) {
	b := len(r.basis)
	small := make([][]float64, b)
	for i := range small {
		small[i] = make([]float64, b)
		for j := range i + 1 {
			small[i][j] = (dot(r.basis[i], w[j]) + dot(r.basis[j], w[i])) / 2
			small[j][i] = small[i][j]
		}
	}
	values, ok := eigenSymmetric(small)
	if !ok {
		// Cannot happen for finite values; the basis as it is stays valid.
		orthonormalize(w)
		r.basis = w
		return
	}
	turned := make([][]float64, b)
	for i, v := range small {
		r.values[i] = max(values[i], 0)
		turned[i] = make([]float64, r.d)
		for j, c := range v {
			addScaled(turned[i], c, w[j])
		}
	}
	orthonormalize(turned)
	r.basis = turned
}

// orthonormalize applies modified Gram-Schmidt to the rows of q; a row that
// depends on those before it becomes zero.
func orthonormalize(q [][]float64) {
	for i, v := range q {
		before := math.Sqrt(dot(v, v))
		for range 2 {
			for _, u := range q[:i] {
				addScaled(v, -dot(u, v), u)
			}
		}
		after := math.Sqrt(dot(v, v))
		if after <= 1e-6*before || after == 0 {
			clear(v)
			continue
		}
		scaleBy(1/after, v)
	}
}

// pack copies the basis to the layout of the product kernel.
func (r *rotation) pack() {
	panels := (len(r.basis) + panel - 1) / panel
	r.packed = make([]float32, panels*r.d*panel)
	for i, v := range r.basis {
		dst := r.packed[i/panel*r.d*panel+i%panel:]
		for j := range v {
			dst[j*panel] = float32(v[j])
		}
	}
}

// rotateBlock writes the coordinates of at most rotateRows rows of x to dst in panels:
// for 24 basis vectors at a time rows x 24. scratch holds d x 24 values.
func (r *rotation) rotateBlock(dst, x, scratch []float32, rows int) {
	d := r.d
	for lo := 0; lo < rows; lo += panel {
		count := min(panel, rows-lo)
		if count < panel {
			clear(scratch)
		}
		for i := range count {
			row := x[(lo+i)*d : (lo+i+1)*d]
			for j, v := range row {
				scratch[j*panel+i] = v - r.mean[j]
			}
		}
		for pn := range (len(r.basis) + panel - 1) / panel {
			b := r.packed[pn*d*panel : (pn+1)*d*panel]
			c := dst[pn*rotateRows*panel+lo*panel:]
			for i := 0; i < panel; i += 4 {
				product4x24(c[i*panel:], panel, scratch[i:], b, d)
			}
		}
	}
}

// covarianceTimes returns, for each basis vector q, the d values of sum over rows
// of (x - mean) times the row's inner product with q.
func (r *rotation) covarianceTimes(p *pool, x []float32, n int) [][]float64 {
	d, b := r.d, len(r.basis)
	panels := (b + panel - 1) / panel
	columns := (d + panel - 1) / panel
	type scratch struct{ z, rows, cols, tile []float32 }
	scratches := make([]scratch, p.size())
	for i := range scratches {
		scratches[i] = scratch{
			z: make([]float32, panels*rotateRows*panel), rows: make([]float32, d*panel),
			cols: make([]float32, rotateRows*panel), tile: make([]float32, panel*panel),
		}
	}
	blocks := (n + rotateRows - 1) / rotateRows
	parts := make([][]float32, min(rotateParts, blocks))
	p.run(len(parts), func(part, worker int) {
		s := &scratches[worker]
		sum := make([]float32, panels*columns*panel*panel)
		for blk := part; blk < blocks; blk += len(parts) {
			lo := blk * rotateRows
			rows := min(rotateRows, n-lo)
			xs := x[lo*d : (lo+rows)*d]
			clear(s.z)
			r.rotateBlock(s.z, xs, s.rows, rows)
			for c := range columns {
				width := min(panel, d-c*panel)
				if width < panel {
					clear(s.cols)
				}
				mean := r.mean[c*panel : c*panel+width]
				for i := range rows {
					src := xs[i*d+c*panel : i*d+c*panel+width]
					dst := s.cols[i*panel : i*panel+width]
					for j, v := range src {
						dst[j] = v - mean[j]
					}
				}
				for pn := range panels {
					for i := 0; i < panel; i += 4 {
						product4x24(s.tile[i*panel:], panel, s.cols[i:], s.z[pn*rotateRows*panel:],
							rows)
					}
					dst := sum[(pn*columns+c)*panel*panel:]
					for i, v := range s.tile {
						dst[i] += v
					}
				}
			}
		}
		parts[part] = sum
	})
	w := make([][]float64, b)
	for i := range w {
		w[i] = make([]float64, d)
		for j := range d {
			at := ((i/panel)*columns+j/panel)*panel*panel + j%panel*panel + i%panel
			for _, part := range parts {
				w[i][j] += float64(part[at])
			}
		}
	}
	return w
}

// columnMeans returns the mean of each column of the n x d matrix x.
func columnMeans(p *pool, x []float32, n int) []float32 {
	d := len(x) / n
	parts := make([][]float64, min(rotateParts, n))
	p.run(len(parts), func(part, _ int) {
		sum := make([]float64, d)
		for i := part; i < n; i += len(parts) {
			for j, v := range x[i*d : (i+1)*d] {
				sum[j] += float64(v)
			}
		}
		parts[part] = sum
	})
	mean := make([]float32, d)
	for j := range mean {
		var s float64
		for _, part := range parts {
			s += part[j]
		}
		mean[j] = float32(s / float64(n))
	}
	return mean
}
