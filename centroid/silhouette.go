package centroid

import (
	"fmt"
	"math"
)

// Silhouette returns the mean over the n rows of x of (b - a) / max(a, b), from -1 to 1: a is
// a row's mean distance to the others of its group, b the least of its mean distances to
// another group (Rousseeuw 1987; sklearn.metrics.silhouette_score). A row that is alone in
// its group counts 0. There must be 2 to n-1 groups. Cosine is the distance 1 - cosine.
// It compares all pairs: n^2 d operations.
func Silhouette(x []float32, n int, groups []int, m Metric) (float64, error) {
	s, err := silhouette(x, n, groups, m)
	if err != nil {
		return 0, fmt.Errorf("centroid: Silhouette: %w", err)
	}
	return s, nil
}

func silhouette(x []float32, n int, groups []int, m Metric) (float64, error) {
	d, err := dim(x, n)
	if err != nil {
		return 0, err
	}
	if len(groups) != n {
		return 0, fmt.Errorf("%d groups for %d rows", len(groups), n)
	}
	if err := m.validate(); err != nil {
		return 0, err
	}
	if err := findNotFinite(x, d); err != nil {
		return 0, err
	}
	values, group := distinct(groups)
	if len(values) < 2 || len(values) >= n {
		return 0, fmt.Errorf("%d groups of %d rows: want 2 to %d", len(values), n, n-1)
	}
	counts := make([]float64, len(values))
	for _, g := range group {
		counts[g]++
	}
	rows := newTable(n, d)
	for i := range n {
		rows.set(i, x[i*d:(i+1)*d])
	}
	widths := make([]float64, n)
	parallelBlocks(n, 16, func(lo, hi int) {
		sums := make([]float64, len(values))
		for i := lo; i < hi; i++ {
			clear(sums)
			for k := range n {
				if k != i {
					sums[group[k]] += rows.distance(i, k, m)
				}
			}
			own := group[i]
			if counts[own] == 1 {
				continue
			}
			a, b := sums[own]/(counts[own]-1), math.Inf(1)
			for g, sum := range sums {
				if g != own {
					b = min(b, sum/counts[g])
				}
			}
			if larger := max(a, b); larger > 0 {
				widths[i] = (b - a) / larger
			}
		}
	})
	sum := 0.0
	for _, w := range widths {
		sum += w
	}
	return sum / float64(n), nil
}

// distance is that of two rows by a metric.
func (t *table) distance(i, k int, m Metric) float64 {
	inner := dot(t.row(i), t.row(k))
	if m == Cosine {
		return 1 - inner/(max(math.Sqrt(t.sq[i]), normEps)*max(math.Sqrt(t.sq[k]), normEps))
	}
	return math.Sqrt(max(0, t.sq[i]+t.sq[k]-2*inner))
}
