package tsne

import (
	"context"
	"fmt"
	"math"
)

// Metric is a distance between rows.
type Metric int

const (
	// Euclidean is the length of the difference.
	Euclidean Metric = iota
	// Cosine is 1 less the cosine of the angle, 0 to 2, as scikit-learn's and openTSNE's
	// metric="cosine"; the Gaussian is over its square, as theirs. No row may be all zeros.
	Cosine
)

// String returns the metric's name as ParseMetric reads it.
func (m Metric) String() string {
	switch m {
	case Euclidean:
		return "euclidean"
	case Cosine:
		return "cosine"
	}
	return fmt.Sprintf("Metric(%d)", int(m))
}

// ParseMetric returns the metric with the given name, "euclidean" or "cosine".
func ParseMetric(name string) (Metric, error) {
	for _, m := range []Metric{Euclidean, Cosine} {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("tsne: unknown metric %q: want %q or %q", name, Euclidean, Cosine)
}

// cosineNeighbors finds neighbours by cosine distance with a search by Euclidean distance: between
// rows of length 1, half the squared Euclidean distance is the cosine distance.
type cosineNeighbors struct{ Neighbors }

func (c cosineNeighbors) Nearest(ctx context.Context, x []float32, n int, queries []float32,
	m, k int) (*NeighborGraph, error) {
	x, err := unitRows(x, n)
	if err != nil {
		return nil, err
	}
	if queries != nil {
		if queries, err = unitRows(queries, m); err != nil {
			return nil, err
		}
	}
	g, err := c.Neighbors.Nearest(ctx, x, n, queries, m, k)
	if err != nil || g == nil {
		return nil, err
	}
	toCosine(g)
	return g, nil
}

// toCosine makes squared cosine distances of the squared Euclidean ones between unit rows.
func toCosine(g *NeighborGraph) {
	for i, d := range g.Distance {
		g.Distance[i] = float32(d/2) * float32(d/2)
	}
}

// unitRows returns the n rows of x, each divided by its length.
func unitRows(x []float32, n int) ([]float32, error) {
	u := make([]float32, len(x))
	d := len(x) / n
	for i := range n {
		row := x[i*d : (i+1)*d]
		var sum float64
		for _, v := range row {
			sum += float64(float64(v) * float64(v))
		}
		if sum == 0 {
			return nil, fmt.Errorf("tsne: neighbors: row %d is all zeros and has no direction: "+
				"remove it, or take the Euclidean metric", i)
		}
		scale := 1 / math.Sqrt(sum)
		for j, v := range row {
			u[i*d+j] = float32(float64(v) * scale)
		}
	}
	return u, nil
}
