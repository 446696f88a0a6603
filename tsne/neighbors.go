package tsne

import (
	"context"
	"fmt"
)

// Neighbors finds nearest rows in Euclidean distance. Fit and Transform use
// AutoNeighbors' choice unless Options.Neighbors names another.
type Neighbors interface {
	// Nearest returns, for each of the m rows of queries, the k nearest of the n rows
	// of x; both matrices are row-major with the same number of columns. Where
	// queries is nil, the rows of x are the queries (m is n) and a row is not its
	// own neighbour. On cancellation it returns the context's error.
	Nearest(ctx context.Context, x []float32, n int, queries []float32, m, k int) (*NeighborGraph,
		error)
}

// AutoNeighbors returns ApproximateNeighbors where finding the k nearest of each of n rows of d
// values exactly would take a large share of a run's time, else ExactNeighbors: it is approximate
// from 10,000 rows on, unless k is above n/50 or d is below 4 (exact search is fast there).
func AutoNeighbors(n, d, k int) Neighbors {
	if n >= 10_000 && 50*k <= n && d >= 4 {
		return ApproximateNeighbors{}
	}
	return ExactNeighbors{}
}

// NeighborGraph lists up to K neighbours for each of N rows.
type NeighborGraph struct {
	N, K int
	// Index holds, N x K row-major, the neighbours' row numbers, nearest first; -1 is none, and
	// its distance does not count.
	Index []int32
	// Distance holds their squared Euclidean distances.
	Distance []float32
}

// check reports a graph, made by a foreign Neighbors, that is not one of at most k
// neighbours among n rows for m queries.
func (g *NeighborGraph) check(m, n, k int, self bool) error {
	if g == nil || g.N != m || g.K != k || len(g.Index) != m*k || len(g.Distance) != m*k {
		return fmt.Errorf("tsne: neighbors: want %d x %d neighbours", m, k)
	}
	for i := range m {
		found := 0
		for at := i * k; at < (i+1)*k; at++ {
			j, d := g.Index[at], g.Distance[at]
			switch {
			case j == -1:
				continue
			case j < 0 || int(j) >= n:
				return fmt.Errorf("tsne: neighbors: row %d has neighbour %d, outside 0 to %d", i,
					j, n-1)
			case self && int(j) == i:
				return fmt.Errorf("tsne: neighbors: row %d is its own neighbour", i)
			case !(d >= 0) || d-d != 0:
				return fmt.Errorf("tsne: neighbors: rows %d and %d are %v apart: the squared "+
					"distance must be finite and not negative (rescale values above 1e15)", i, j,
					d)
			}
			found++
		}
		if found == 0 {
			return fmt.Errorf("tsne: neighbors: row %d has no neighbour", i)
		}
	}
	return nil
}

// withThreads gives a search of this package, unless it says otherwise, the number of goroutines.
func withThreads(finder Neighbors, threads int) Neighbors {
	switch f := finder.(type) {
	case cosineNeighbors:
		return cosineNeighbors{withThreads(f.Neighbors, threads)}
	case ExactNeighbors:
		if f.Threads == 0 {
			f.Threads = threads
		}
		return f
	case ApproximateNeighbors:
		if f.Threads == 0 {
			f.Threads = threads
		}
		return f
	}
	return finder
}

// findNeighbors returns the neighbours of each row of x, in an order of its own if there is one
// (see ApproximateNeighbors.nearest), and reports the progress of this package's searches.
func findNeighbors(ctx context.Context, finder Neighbors, x []float32, n, k int,
	o Options) (g *NeighborGraph, order []int32, err error) {
	progress := func(done, total int) {
		o.Progress(Progress{Stage: StageNeighbors, Rows: done, TotalRows: total,
			Iterations: o.Iterations, KL: nan, GradientNorm: nan})
	}
	switch f := finder.(type) {
	case cosineNeighbors:
		if x, err = unitRows(x, n); err != nil {
			return nil, nil, err
		}
		if g, order, err = findNeighbors(ctx, f.Neighbors, x, n, k, o); err == nil {
			toCosine(g)
		}
		return g, order, err
	case ExactNeighbors:
		if f.Progress == nil && o.Progress != nil {
			f.Progress = progress
		}
		finder = f
	case ApproximateNeighbors:
		if f.Progress == nil && o.Progress != nil {
			f.Progress = progress
		}
		return f.nearest(ctx, x, n, k)
	}
	if g, err = finder.Nearest(ctx, x, n, nil, n, k); err != nil {
		return nil, nil, err
	}
	return g, nil, g.check(n, n, k, true)
}

// permuted returns the rows of y in the given order.
func permuted(y []float32, order []int32, width int) []float32 {
	out := make([]float32, 0, len(y))
	for _, row := range order {
		out = append(out, y[int(row)*width:][:width]...)
	}
	return out
}
