package tsne

import (
	"context"
	"fmt"
)

// Neighbors finds nearest rows in Euclidean distance. Fit and Transform use
// ExactNeighbors unless Options.Neighbors names another.
type Neighbors interface {
	// Nearest returns, for each of the m rows of queries, the k nearest of the n rows
	// of x; both matrices are row-major with the same number of columns. Where
	// queries is nil, the rows of x are the queries (m is n) and a row is not its
	// own neighbour. On cancellation it returns the context's error.
	Nearest(ctx context.Context, x []float32, n int, queries []float32, m, k int) (*NeighborGraph, error)
}

// NeighborGraph lists K neighbours for each of N rows.
type NeighborGraph struct {
	N, K int
	// Index holds, N x K row-major, the neighbours' row numbers, nearest first.
	Index []int32
	// Distance holds their squared Euclidean distances.
	Distance []float32
}

// check reports a graph, made by a foreign Neighbors, that is not one of k
// neighbours among n rows for m queries.
func (g *NeighborGraph) check(m, n, k int, self bool) error {
	if g == nil || g.N != m || g.K != k || len(g.Index) != m*k || len(g.Distance) != m*k {
		return fmt.Errorf("tsne: neighbors: want %d x %d neighbours", m, k)
	}
	for i, j := range g.Index {
		d := g.Distance[i]
		switch {
		case j < 0 || int(j) >= n:
			return fmt.Errorf("tsne: neighbors: row %d has neighbour %d, outside 0 to %d", i/k, j, n-1)
		case self && int(j) == i/k:
			return fmt.Errorf("tsne: neighbors: row %d is its own neighbour", i/k)
		case !(d >= 0) || d-d != 0:
			return fmt.Errorf("tsne: neighbors: rows %d and %d are %v apart: the squared distance must be finite and not negative (rescale values above 1e15)", i/k, j, d)
		}
	}
	return nil
}
