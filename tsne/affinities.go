package tsne

import (
	"errors"
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
//
// Rows may have fewer than K neighbours, with -1 for none; a neighbour that a row names again
// counts once, the first time. A row with no more neighbours than the perplexity is
// attracted by all of them alike.
func NewAffinities(g *NeighborGraph, perplexity float64, threadCount int) (*Affinities, error) {
	return NewMultiscaleAffinities(g, []float64{perplexity}, threadCount)
}

// NewMultiscaleAffinities is NewAffinities for the mean over several perplexities (openTSNE's
// Multiscale).
func NewMultiscaleAffinities(g *NeighborGraph, perplexities []float64,
	threadCount int) (*Affinities, error) {
	if g == nil || g.N < 1 || g.K < 1 {
		return nil, errors.New("tsne: affinities: the graph is empty")
	}
	if !valid(perplexities) || slices.Max(perplexities) >= float64(g.K+1) {
		return nil, fmt.Errorf("tsne: affinities: perplexity is %v: want at least 1 and less "+
			"than the number of neighbours + 1, %d", perplexities, g.K+1)
	}
	if err := g.check(g.N, g.N, g.K, true); err != nil {
		return nil, err
	}
	if err := checkEdges(g.N, g.K); err != nil {
		return nil, err
	}
	p := newPool(threads(threadCount))
	defer p.close()
	own := &NeighborGraph{N: g.N, K: g.K, Index: slices.Clone(g.Index),
		Distance: slices.Clone(g.Distance)}
	return jointProbabilities(p, own, perplexities).affinities(), nil
}

// checkEdges reports more neighbours than P is made for: some 100 GB.
func checkEdges(n, k int) error {
	if int64(n)*int64(k) > math.MaxUint32 {
		return fmt.Errorf("tsne: affinities: %d rows with %d neighbours each: want less than "+
			"2^32 in all (Exact takes all others as neighbours)", n, k)
	}
	return nil
}

// conditional sets p to the Gaussian of the squared distances d whose entropy is
// the perplexity's logarithm to 1e-10, and returns its precision beta. The search is
// Newton's on log beta, kept inside a bracket.
func conditional(p []float64, d []float32, perplexity float64) float64 {
	if len(d) == 0 {
		return 0
	}
	near, far := float64(slices.Min(d)), float64(slices.Max(d))
	if near == far || perplexity >= float64(len(d)) {
		for j := range p {
			p[j] = 1 / float64(len(p))
		}
		return 0
	}
	want := log(perplexity)
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
			p[j] = -beta * (float64(v) - near)
		}
		exps(p)
		for j, v := range d {
			v, e := float64(v)-near, p[j]
			sum += e
			first += float64(e * v)
			second += float64(e * v * v)
		}
		first /= sum
		second /= sum
		excess := log(sum) + float64(beta*first) - want // entropy above the wanted one
		if math.Abs(excess) < 1e-10 {
			break
		}
		if excess > 0 {
			lo = beta
		} else {
			hi = beta
		}
		// d entropy / d log beta = -beta² Var(d)
		slope := beta * beta * (second - float64(first*first))
		next := beta * exp(min(max(excess/slope, -3), 3))
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
