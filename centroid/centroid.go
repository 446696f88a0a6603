// Package centroid classifies rows by their nearest class centre ([Fit]), finds
// centres without labels by k-means ([KMeans]), and scores both. It is pure Go.
//
// # Input
//
// Matrices are row-major float32 slices of n rows; the row length is
// d = len(x)/n. Labels are any ints. Nothing here changes its input, results
// depend neither on GOMAXPROCS nor on chance (k-means takes a seed), and all
// functions are safe for concurrent use.
//
// Input that cannot be worked on (a wrong length, NaN, no rows) is an error.
// The scores, from [Accuracy] to [ARI], compare two slices of labels; slices
// of different lengths are a mistake in the caller and panic.
package centroid

import (
	"fmt"
	"math"
	"sync/atomic"
)

// Metric says how a row and a centre are compared.
type Metric int

const (
	// Euclidean is the 2-norm of the difference, the notebook's choice:
	// torch.cdist(x, centres).argmin(1).
	Euclidean Metric = iota
	// Cosine compares directions: the largest
	// normalize(x) @ normalize(centres).T, where normalize divides by
	// max(norm, 1e-12) as torch.nn.functional.normalize does, so that a zero
	// row or centre has similarity 0 to all.
	Cosine
)

// String returns the name that [ParseMetric] reads.
func (m Metric) String() string {
	switch m {
	case Euclidean:
		return "euclidean"
	case Cosine:
		return "cosine"
	}
	return fmt.Sprintf("Metric(%d)", int(m))
}

// ParseMetric returns the metric called "euclidean" or "cosine".
func ParseMetric(name string) (Metric, error) {
	for _, m := range []Metric{Euclidean, Cosine} {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("centroid: metric %q: want euclidean or cosine", name)
}

func (m Metric) validate() error {
	if m != Euclidean && m != Cosine {
		return fmt.Errorf("unknown metric %d: want Euclidean or Cosine", int(m))
	}
	return nil
}

// normEps is the smallest norm that a row is divided by, PyTorch's default.
const normEps = 1e-12

// Centroids holds one centre for each class.
type Centroids struct {
	Classes []int     // the distinct labels, ascending
	Counts  []int     // rows behind each centre
	Centers []float32 // len(Classes) x Dim, row-major
	Dim     int
	Metric  Metric
}

// Fit returns the mean row of each class that occurs in labels (cell 7 of the
// notebook). x is n x d and labels has n entries. Means are summed in float64
// with rows in index order, whatever the metric; the metric only says how
// [Centroids.Predict] compares.
func Fit(x []float32, n int, labels []int, m Metric) (*Centroids, error) {
	c, err := fit(x, n, labels, m)
	if err != nil {
		return nil, fmt.Errorf("centroid: Fit: %w", err)
	}
	return c, nil
}

func fit(x []float32, n int, labels []int, m Metric) (*Centroids, error) {
	d, err := dim(x, n)
	if err != nil {
		return nil, err
	}
	if len(labels) != n {
		return nil, fmt.Errorf("%d labels for %d rows", len(labels), n)
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	classes, index := distinct(labels)
	c := &Centroids{Classes: classes, Counts: make([]int, len(classes)),
		Centers: make([]float32, len(classes)*d), Dim: d, Metric: m}
	moves := make([]move, n)
	for i, k := range index {
		moves[i] = move{row: i, from: -1, to: k}
		c.Counts[k]++
	}
	sums := make([]float64, len(c.Centers))
	apply(moves, sums, x, d)
	for k, count := range c.Counts {
		for j := k * d; j < (k+1)*d; j++ {
			if !finite(sums[j]) {
				return nil, findNotFinite(x, d)
			}
			c.Centers[j] = float32(sums[j] / float64(count))
		}
	}
	return c, nil
}

// Predict returns the class of the nearest centre for each of the n rows of x.
// The lowest class wins a tie, as argmin has it. A row with NaN or an infinity
// is an error.
func (c *Centroids) Predict(x []float32, n int) ([]int, error) {
	d, err := dim(x, n)
	switch {
	case err != nil:
	case d != c.Dim:
		err = fmt.Errorf("rows have %d values, centres %d", d, c.Dim)
	case len(c.Classes) == 0 || len(c.Centers) != len(c.Classes)*d:
		err = fmt.Errorf("%d centre values for %d classes of %d", len(c.Centers), len(c.Classes),
			d)
	}
	if err == nil {
		err = c.Metric.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("centroid: Predict: %w", err)
	}
	// Least distance is least offset - scale * x.c: the row's own norm is the
	// same for all centres. Products of float32 are exact in float64, so the
	// order of distances is that of the exact ones but for the last bits.
	centers := newTable(len(c.Classes), d)
	offset, scale := make([]float64, len(c.Classes)), make([]float64, len(c.Classes))
	for k := range c.Classes {
		centers.set(k, c.Centers[k*d:(k+1)*d])
		if c.Metric == Cosine {
			scale[k] = 1 / max(math.Sqrt(centers.sq[k]), normEps)
		} else {
			offset[k], scale[k] = centers.sq[k], 2
		}
	}
	out := make([]int, n)
	var bad atomic.Bool
	parallel(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*d : (i+1)*d]
			best, least := 0, math.Inf(1)
			for k := range offset {
				score := offset[k] - float64(scale[k]*dot(row, centers.row(k)))
				if score < least {
					best, least = k, score
				}
			}
			if !finite(least) {
				bad.Store(true)
			}
			out[i] = c.Classes[best]
		}
	})
	if bad.Load() {
		err := findNotFinite(x, d)
		if err == nil {
			err = fmt.Errorf("centre: %w", findNotFinite(c.Centers, d))
		}
		return nil, fmt.Errorf("centroid: Predict: %w", err)
	}
	return out, nil
}
