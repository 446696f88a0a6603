package tsne

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"latent/internal/matrix"
)

// ReadNeighborGraph reads the nearest rows that another program found, from a .npz file of size
// bytes. The file holds either
//
//   - indices and distances, n x k each: the neighbours' row numbers, in any order, -1 for none,
//     and their plain distances, not squared, as pynndescent, faiss and scikit-learn's kneighbors
//     give them; or
//   - a SciPy CSR matrix of distances, n x n, as scipy.sparse.save_npz writes
//     scikit-learn's kneighbors_graph(mode="distance"); a zero that is stored is a distance.
//
// A row's entry for itself and entries for a neighbour already named are dropped. In the graph K
// is the length of the longest row, and rows are sorted, nearest first.
func ReadNeighborGraph(r io.ReaderAt, size int64) (*NeighborGraph, error) {
	g, err := readNeighborGraph(r, size)
	if err != nil {
		return nil, fmt.Errorf("tsne: neighbors: %w", err)
	}
	return g, nil
}

func readNeighborGraph(r io.ReaderAt, size int64) (*NeighborGraph, error) {
	a, err := matrix.OpenArchive(r, size)
	if err != nil {
		return nil, err
	}
	if a.Has("indptr") {
		return readCSR(a)
	}
	index, shape, err := matrix.Integers[int32](a, "indices")
	if err != nil {
		return nil, err
	}
	distance, other, err := a.Floats("distances")
	if err != nil {
		return nil, err
	}
	if len(shape) != 2 || !slices.Equal(shape, other) {
		return nil, fmt.Errorf("indices have shape %v and distances %v: want n x k both", shape,
			other)
	}
	n, k := shape[0], shape[1]
	start := make([]int64, n+1)
	for i := range start {
		start[i] = int64(i * k)
	}
	return graphOf(start, index, distance)
}

func readCSR(a *matrix.Archive) (*NeighborGraph, error) {
	if a.Has("format") {
		if format, err := a.Text("format"); err != nil {
			return nil, err
		} else if format != "csr" {
			return nil, fmt.Errorf("the sparse matrix is of format %q: want csr (x.tocsr())",
				format)
		}
	}
	shape, _, err := matrix.Integers[int64](a, "shape")
	if err != nil {
		return nil, err
	}
	start, _, err := matrix.Integers[int64](a, "indptr")
	if err != nil {
		return nil, err
	}
	index, _, err := matrix.Integers[int32](a, "indices")
	if err != nil {
		return nil, err
	}
	distance, _, err := a.Floats("data")
	if err != nil {
		return nil, err
	}
	n := int64(len(start)) - 1
	switch {
	case len(shape) != 2 || shape[0] != shape[1]:
		return nil, fmt.Errorf("the sparse matrix has shape %v: want as many columns as rows",
			shape)
	case shape[0] != n:
		return nil, fmt.Errorf("indptr has %d numbers: want one more than the %d rows", n+1,
			shape[0])
	case len(index) != len(distance) || start[0] != 0 || start[n] != int64(len(index)) ||
		!slices.IsSorted(start):
		return nil, fmt.Errorf("indptr, %d indices and %d data are not those of one CSR matrix",
			len(index), len(distance))
	}
	return graphOf(start, index, distance)
}

// graphOf makes a graph of rows of neighbours: row i has entries start[i] to start[i+1] of index
// and distance, which is plain. It sorts both.
func graphOf(start []int64, index []int32, distance []float32) (*NeighborGraph, error) {
	type entry struct {
		distance float32
		row      int32
	}
	n := len(start) - 1
	g := &NeighborGraph{N: n}
	length := make([]int32, n)
	seen := make([]int32, n) // the last row, plus one, that has this one as a neighbour
	var row []entry
	for i := range n {
		row = row[:0]
		for e := start[i]; e < start[i+1]; e++ {
			j, d := index[e], distance[e]
			switch {
			case j == -1 || int(j) == i:
				continue
			case j < -1 || int(j) >= n:
				return nil, fmt.Errorf("row %d has neighbour %d: want 0 to %d, or -1 for none", i,
					j, n-1)
			case !(d >= 0) || float32(d*d) > math.MaxFloat32:
				return nil, fmt.Errorf("rows %d and %d are %v apart: want a finite distance "+
					"that is not negative", i, j, d)
			}
			row = append(row, entry{d, j})
		}
		slices.SortFunc(row, func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row))
		})
		at := start[i]
		for _, e := range row {
			if seen[e.row] != int32(i+1) {
				seen[e.row] = int32(i + 1)
				index[at], distance[at] = e.row, e.distance
				at++
			}
		}
		length[i] = int32(at - start[i])
		g.K = max(g.K, int(length[i]))
	}
	if g.K == 0 {
		return nil, fmt.Errorf("no row has a neighbour but itself")
	}
	if err := checkEdges(n, g.K); err != nil {
		return nil, err
	}
	if size := int64(n) * int64(g.K); size > 8*int64(len(index))+1<<20 {
		return nil, fmt.Errorf("the longest row has %d neighbours and the %d rows have %d in "+
			"all: keep the nearest ones of each row", g.K, n, len(index))
	}
	g.Index, g.Distance = make([]int32, n*g.K), make([]float32, n*g.K)
	for i := range n {
		to := i * g.K
		for j := range g.K {
			g.Index[to+j] = -1
			if j < int(length[i]) {
				d := distance[start[i]+int64(j)]
				g.Index[to+j], g.Distance[to+j] = index[start[i]+int64(j)], float32(d*d)
			}
		}
	}
	return g, nil
}

// nearest returns a copy of the first k neighbours of every row, or of all where there are fewer.
func (g *NeighborGraph) nearest(k int) *NeighborGraph {
	k = min(k, g.K)
	c := newGraph(g.N, k)
	for i := range g.N {
		copy(c.Index[i*k:(i+1)*k], g.Index[i*g.K:])
		copy(c.Distance[i*k:(i+1)*k], g.Distance[i*g.K:])
	}
	return c
}

// checkSum reports a P that is not one, or does not sum to 1.
func (a *Affinities) checkSum() error {
	if err := a.check(); err != nil {
		return err
	}
	var sum float64
	for _, v := range a.P {
		sum += float64(v)
	}
	if !(math.Abs(sum-1) < 1e-3) {
		return fmt.Errorf("tsne: affinities: they sum to %v: want 1", sum)
	}
	return nil
}
