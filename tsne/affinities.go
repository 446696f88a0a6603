package tsne

import (
	"fmt"
	"math"
	"slices"
)

// Affinities is the symmetric sparse matrix P of joint probabilities of n points,
// in compressed rows: row i has the columns Columns[Start[i]:Start[i+1]], rising,
// and their probabilities in the same places of P. All entries sum to 1; the
// diagonal is empty.
type Affinities struct {
	N       int
	Start   []int
	Columns []int32
	P       []float32
}

// NewAffinities turns a graph of every row's nearest rows into joint
// probabilities: by row a Gaussian whose width gives the perplexity asked for, made
// symmetric as (p(j|i) + p(i|j)) / 2n (van der Maaten and Hinton 2008, equations 1 and
// 2; scikit-learn's _joint_probabilities_nn). Where no width gives the perplexity,
// as among many equal rows, the nearest one counts. threads 0 means all processors;
// the result does not depend on it.
func NewAffinities(g *NeighborGraph, perplexity float64, threadCount int) (*Affinities, error) {
	if !(perplexity >= 1) || perplexity >= float64(g.K+1) {
		return nil, fmt.Errorf("tsne: affinities: perplexity is %v: want at least 1 and less than the number of neighbours + 1, %d", perplexity, g.K+1)
	}
	if err := checkEdges(g.N, g.K); err != nil {
		return nil, err
	}
	p := newPool(threads(threadCount))
	defer p.close()
	return jointProbabilities(p, g, perplexity, make([]float32, len(g.Distance))), nil
}

// checkEdges reports more neighbours than symmetrize can number.
func checkEdges(n, k int) error {
	if int64(n)*int64(k) > math.MaxUint32 {
		return fmt.Errorf("tsne: affinities: %d rows with %d neighbours each: want less than 2^32 in all (Exact takes all others as neighbours)", n, k)
	}
	return nil
}

// jointProbabilities is NewAffinities with scratch for the conditional probabilities, as many as
// there are distances; it may be the distances themselves, which are lost then.
func jointProbabilities(p *pool, g *NeighborGraph, perplexity float64, cond []float32) *Affinities {
	n, k := g.N, g.K
	scratch := make([][]float64, p.size())
	for i := range scratch {
		scratch[i] = make([]float64, k)
	}
	p.blocks(n, 64, func(lo, hi, worker int) {
		for i := lo; i < hi; i++ {
			row := scratch[worker]
			conditional(row, g.Distance[i*k:(i+1)*k], perplexity)
			for j, v := range row {
				cond[i*k+j] = float32(v)
			}
		}
	})
	return symmetrize(p, g, cond)
}

// conditional sets p to the Gaussian of the squared distances d whose entropy is
// the perplexity's logarithm to 1e-10, and returns its precision beta. The search is
// Newton's on log beta, kept inside a bracket.
func conditional(p []float64, d []float32, perplexity float64) float64 {
	near, far := float64(slices.Min(d)), float64(slices.Max(d))
	if near == far || perplexity >= float64(len(d)) {
		for j := range p {
			p[j] = 1 / float64(len(p))
		}
		return 0
	}
	want := math.Log(perplexity)
	var mean float64
	for _, v := range d {
		mean += float64(v) - near
	}
	mean /= float64(len(d))
	lo, hi := 0.0, math.Inf(1)
	beta := 1 / mean
	var sum float64
	for range 200 {
		var first, second float64
		sum = 0
		for j, v := range d {
			v := float64(v) - near
			e := math.Exp(-beta * v)
			p[j] = e
			sum += e
			first += e * v
			second += e * v * v
		}
		first /= sum
		second /= sum
		excess := math.Log(sum) + beta*first - want // entropy above the wanted one
		if math.Abs(excess) < 1e-10 {
			break
		}
		if excess > 0 {
			lo = beta
		} else {
			hi = beta
		}
		// d entropy / d log beta = -beta² Var(d)
		slope := beta * beta * (second - first*first)
		next := beta * math.Exp(min(max(excess/slope, -3), 3))
		if !(next > lo && next < hi) {
			if math.IsInf(hi, 1) {
				next = lo * 2
			} else {
				next = (lo + hi) / 2
			}
		}
		if next == beta || next > 1e30/mean {
			break // equal rows: no width gives so small a perplexity
		}
		beta = next
	}
	for j := range p {
		p[j] /= sum
	}
	return beta
}

// symmetrize adds conditional probabilities, N x K as in g, to their transpose and
// divides by 2n.
func symmetrize(p *pool, g *NeighborGraph, cond []float32) *Affinities {
	n, k := g.N, g.K
	// Every row's incoming edges, sources rising: a transpose by counting.
	inStart := make([]int, n+1)
	for _, j := range g.Index {
		inStart[j+1]++
	}
	for i := range n {
		inStart[i+1] += inStart[i]
	}
	inEdge := make([]uint32, n*k)
	at := slices.Clone(inStart[:n])
	for e, j := range g.Index {
		inEdge[at[j]] = uint32(e)
		at[j]++
	}
	scratch := make([][]uint64, p.size())
	for i := range scratch {
		scratch[i] = make([]uint64, k)
	}
	// merge calls f for each column of row i, rising, with its sum.
	merge := func(i, worker int, f func(col int32, v float32)) {
		own := scratch[worker] // column, then edge
		for j, c := range g.Index[i*k : (i+1)*k] {
			own[j] = uint64(c)<<32 | uint64(i*k+j)
		}
		slices.Sort(own)
		in := inEdge[inStart[i]:inStart[i+1]]
		for len(own) > 0 || len(in) > 0 {
			mine, theirs := int32(math.MaxInt32), int32(math.MaxInt32)
			if len(own) > 0 {
				mine = int32(own[0] >> 32)
			}
			if len(in) > 0 {
				theirs = int32(in[0] / uint32(k))
			}
			var v float32
			if mine <= theirs {
				v = cond[uint32(own[0])]
				own = own[1:]
			}
			if theirs <= mine {
				v += cond[in[0]]
				in = in[1:]
			}
			f(min(mine, theirs), v)
		}
	}
	// A row has its own edges and those incoming ones whose source is not among them.
	a := &Affinities{N: n, Start: make([]int, n+1)}
	marks := make([][]int32, p.size()) // the last row, plus one, with an edge to this one
	for i := range marks {
		marks[i] = make([]int32, n)
	}
	p.blocks(n, 256, func(lo, hi, worker int) {
		mark := marks[worker]
		for i := lo; i < hi; i++ {
			for _, c := range g.Index[i*k : (i+1)*k] {
				mark[c] = int32(i + 1)
			}
			count := k
			for _, e := range inEdge[inStart[i]:inStart[i+1]] {
				if mark[e/uint32(k)] != int32(i+1) {
					count++
				}
			}
			a.Start[i+1] = count
		}
	})
	for i := range n {
		a.Start[i+1] += a.Start[i]
	}
	a.Columns = make([]int32, a.Start[n])
	a.P = make([]float32, a.Start[n])
	scale := 1 / (2 * float64(n))
	p.blocks(n, 64, func(lo, hi, worker int) {
		for i := lo; i < hi; i++ {
			at := a.Start[i]
			merge(i, worker, func(c int32, v float32) {
				a.Columns[at], a.P[at] = c, float32(float64(v)*scale)
				at++
			})
		}
	})
	return a
}

// entropyTerm returns the sum of p log p.
func (a *Affinities) entropyTerm() float64 {
	var sum float64
	for _, v := range a.P {
		if v > 0 {
			sum += float64(v) * math.Log(float64(v))
		}
	}
	return sum
}

// total returns the sum of P, 1 but for rounding.
func (a *Affinities) total() float64 {
	var sum float64
	for _, v := range a.P {
		sum += float64(v)
	}
	return sum
}
