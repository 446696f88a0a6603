package tsne

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
)

// joint is the matrix P as the gradient reads it: as in Affinities, but every row is filled up to
// a multiple of eight entries with empty ones of its own column.
//
// At a million rows it takes a gigabyte, and so does the graph that it comes from. So it is made
// in the graph's own memory where that has room: see newGraph.
type joint struct {
	n       int
	start   []int
	columns []int32
	p       []float32
}

// newGraph returns an empty graph whose slices have room for the joint probabilities. Memory that
// is not written to is not taken from the system.
func newGraph(n, k int) *NeighborGraph {
	room := n * (2*k + 7)
	return &NeighborGraph{N: n, K: k, Index: make([]int32, n*k, room),
		Distance: make([]float32, n*k, room)}
}

// jointProbabilities is NewAffinities without its checks. It takes over the graph's slices.
func jointProbabilities(p *pool, g *NeighborGraph, perplexities []float64) *joint {
	n, k := g.N, g.K
	size := make([]int32, n)   // of a row's own edges
	others := make([]int32, n) // edges to the row from rows that are not its neighbours
	scratch := make([]struct {
		seen []int32
		row  []float64
		keys []uint64
	}, p.size())
	for i := range scratch {
		s := &scratch[i]
		s.seen, s.row, s.keys = make([]int32, n), make([]float64, k), make([]uint64, k)
	}
	p.blocks(n, 64, func(lo, hi, worker int) {
		s := &scratch[worker]
		for i := lo; i < hi; i++ {
			index, dist := g.Index[i*k:(i+1)*k], g.Distance[i*k:(i+1)*k]
			count := 0
			for at, j := range index {
				if j >= 0 && s.seen[j] != int32(i+1) {
					s.seen[j] = int32(i + 1)
					index[count], dist[count] = j, dist[at]
					count++
				}
			}
			size[i] = int32(count)
			row, keys := s.row[:count], s.keys[:count]
			conditionals(row, dist[:count], perplexities)
			for at, v := range row {
				keys[at] = pairKey(float32(v), index[at])
				keys[at] = keys[at]<<32 | keys[at]>>32 // column first
			}
			slices.Sort(keys)
			for at, key := range keys {
				index[at], dist[at] = int32(key>>32), math.Float32frombits(uint32(key))
			}
		}
	})
	// Edges whose reverse is one too are marked by their sign; the others are counted by where
	// they lead.
	p.blocks(n, 64, func(lo, hi, _ int) {
		for i := lo; i < hi; i++ {
			cond := g.Distance[i*k:][:size[i]]
			for at, j := range g.Index[i*k:][:size[i]] {
				if _, found := slices.BinarySearch(g.Index[int(j)*k:][:size[j]], int32(i)); found {
					cond[at] = float32(math.Copysign(float64(cond[at]), -1))
				} else {
					atomic.AddInt32(&others[j], 1)
				}
			}
		}
	})
	q := &joint{n: n, start: make([]int, n+1)}
	inPlace := true // no row moves to the left
	for i := range n {
		inPlace = inPlace && q.start[i] >= i*k
		q.start[i+1] = q.start[i] + (int(size[i])+int(others[i])+7)/8*8
	}
	total := q.start[n]
	if inPlace && cap(g.Index) >= total && cap(g.Distance) >= total {
		q.columns, q.p = g.Index[:total], g.Distance[:total]
	} else {
		q.columns, q.p = make([]int32, total), make([]float32, total)
	}
	for i := n - 1; i >= 0; i-- { // from the right, so that nothing is overwritten
		copy(q.columns[q.start[i]:], g.Index[i*k:][:size[i]])
		copy(q.p[q.start[i]:], g.Distance[i*k:][:size[i]])
	}
	q.addTransposed(p, size)
	return q
}

// addTransposed makes P of the conditional probabilities, of which row i has size[i], sorted by
// column, those of mutual edges marked.
func (q *joint) addTransposed(p *pool, size []int32) {
	end := slices.Clone(size) // entries of a row so far
	p.blocks(q.n, 64, func(lo, hi, _ int) {
		for i := lo; i < hi; i++ {
			for e := q.start[i]; e < q.start[i]+int(size[i]); e++ {
				if j, v := q.columns[e], q.p[e]; !math.Signbit(float64(v)) {
					to := q.start[j] + int(atomic.AddInt32(&end[j], 1)) - 1
					q.columns[to], q.p[to] = int32(i), v
				}
			}
		}
	})
	p.blocks(q.n, 64, func(lo, hi, _ int) {
		for i := lo; i < hi; i++ {
			for e := q.start[i]; e < q.start[i]+int(size[i]); e++ {
				// The task of the lower row alone sees to both of a mutual pair.
				if j := int(q.columns[e]); j > i && math.Signbit(float64(q.p[e])) {
					to, _ := slices.BinarySearch(q.columns[q.start[j]:][:size[j]], int32(i))
					to += q.start[j]
					sum := -q.p[e] - q.p[to]
					q.p[e], q.p[to] = sum, sum
				}
			}
		}
	})
	scale := 1 / (2 * float64(q.n))
	scratch := make([][]uint64, p.size())
	p.blocks(q.n, 64, func(lo, hi, worker int) {
		for i := lo; i < hi; i++ {
			columns, v := q.columns[q.start[i]:q.start[i+1]], q.p[q.start[i]:q.start[i+1]]
			count := int(end[i])
			keys := scratch[worker][:0]
			for at, c := range columns[:count] {
				keys = append(keys, uint64(uint32(c))<<32|uint64(math.Float32bits(v[at])))
			}
			if count > int(size[i]) {
				slices.Sort(keys)
			}
			for at, key := range keys {
				columns[at] = int32(key >> 32)
				v[at] = float32(float64(math.Float32frombits(uint32(key))) * scale)
			}
			for at := count; at < len(columns); at++ {
				columns[at], v[at] = int32(i), 0
			}
			scratch[worker] = keys
		}
	})
}

// affinities returns P without the filling, in the same memory.
func (q *joint) affinities() *Affinities {
	a := &Affinities{N: q.n, Start: make([]int, q.n+1)}
	at := 0
	for i := range q.n {
		for e := q.start[i]; e < q.start[i+1]; e++ {
			if q.columns[e] != int32(i) {
				q.columns[at], q.p[at] = q.columns[e], q.p[e]
				at++
			}
		}
		a.Start[i+1] = at
	}
	a.Columns, a.P = q.columns[:at], q.p[:at]
	return a
}

// joint returns a copy of P with the filling.
func (a *Affinities) joint() *joint {
	q := &joint{n: a.N, start: make([]int, a.N+1)}
	for i := range a.N {
		q.start[i+1] = q.start[i] + (a.Start[i+1]-a.Start[i]+7)/8*8
	}
	q.columns, q.p = make([]int32, q.start[a.N]), make([]float32, q.start[a.N])
	for i := range a.N {
		at := q.start[i] + copy(q.columns[q.start[i]:], a.Columns[a.Start[i]:a.Start[i+1]])
		copy(q.p[q.start[i]:], a.P[a.Start[i]:a.Start[i+1]])
		for ; at < q.start[i+1]; at++ {
			q.columns[at] = int32(i)
		}
	}
	return q
}

// check reports an Affinities that NewAffinities cannot have made.
func (a *Affinities) check() error {
	if a == nil || a.N < 1 || len(a.Start) != a.N+1 || a.Start[0] != 0 ||
		a.Start[a.N] != len(a.Columns) || len(a.P) != len(a.Columns) {
		return errors.New("tsne: affinities: want N of at least 1, N + 1 starts and as many " +
			"columns as probabilities")
	}
	for i := range a.N {
		if a.Start[i+1] < a.Start[i] {
			return fmt.Errorf("tsne: affinities: row %d ends before it starts", i)
		}
	}
	for i := range a.N {
		last := int32(-1)
		for e := a.Start[i]; e < a.Start[i+1]; e++ {
			c, v := a.Columns[e], a.P[e]
			switch {
			case c <= last || int(c) >= a.N || int(c) == i:
				return fmt.Errorf("tsne: affinities: row %d has column %d after %d: want rising "+
					"ones from 0 to %d without its own", i, c, last, a.N-1)
			case !(v >= 0 && v <= 1):
				return fmt.Errorf("tsne: affinities: row %d, column %d is %v: want 0 to 1", i, c,
					v)
			}
			last = c
		}
	}
	return nil
}

// sums returns the sum of p log p and the sum of P, 1 but for rounding, over P's rows in
// chunks, so that it does not depend on threads.
func (q *joint) sums(p *pool) (entropy, total float64) {
	const chunk = 4096
	parts := make([][2]float64, (q.n+chunk-1)/chunk)
	p.blocks(q.n, chunk, func(lo, hi, _ int) {
		part := &parts[lo/chunk]
		for _, v := range q.p[q.start[lo]:q.start[hi]] {
			if v > 0 {
				part[0] += float64(float64(v) * log(float64(v)))
				part[1] += float64(v)
			}
		}
	})
	for _, part := range parts {
		entropy += part[0]
		total += part[1]
	}
	return entropy, total
}
