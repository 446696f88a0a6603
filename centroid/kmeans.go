package centroid

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// KMeansOptions are the settings of [KMeans]. Start from
// [DefaultKMeansOptions]; zero means zero.
type KMeansOptions struct {
	K      int    // clusters, 1 to n
	Metric Metric // Cosine is spherical k-means: rows and centres are scaled to length 1
	Starts int    // runs from different seeds, of which the best is kept; at least 1

	// MaxIterations limits the iterations of one start; at least 1.
	MaxIterations int
	// Tolerance ends a start when the squared moves of the centres add up to no
	// more than Tolerance times the mean variance of the columns, as
	// scikit-learn's tol. 0 runs until no row changes its cluster.
	Tolerance float64
	Seed      uint64

	// Progress, unless nil, is called after each iteration with the start, from
	// 0, and the iteration in it, from 1.
	Progress func(start, iteration int)
}

// DefaultKMeansOptions returns scikit-learn's settings of KMeans, with ten
// clusters and ten starts.
func DefaultKMeansOptions() KMeansOptions {
	return KMeansOptions{K: 10, Starts: 10, MaxIterations: 300, Tolerance: 1e-4}
}

// Validate returns an error that names the first option out of range.
func (o KMeansOptions) Validate() error {
	switch {
	case o.K < 1:
		return fmt.Errorf("centroid: K is %d: want at least 1", o.K)
	case o.Starts < 1:
		return fmt.Errorf("centroid: Starts is %d: want at least 1", o.Starts)
	case o.MaxIterations < 1:
		return fmt.Errorf("centroid: MaxIterations is %d: want at least 1", o.MaxIterations)
	case !(o.Tolerance >= 0):
		return fmt.Errorf("centroid: Tolerance is %v: want at least 0", o.Tolerance)
	}
	if err := o.Metric.validate(); err != nil {
		return fmt.Errorf("centroid: Metric: %w", err)
	}
	return nil
}

// Clustering is what [KMeans] found.
type Clustering struct {
	Centroids  *Centroids // classes 0..K-1; Predict sorts new rows in
	Labels     []int      // the cluster of each row, 0..K-1
	Inertia    float64    // sum of the squared distances of rows to their centres
	Start      int        // which start was the best, from 0
	Iterations int        // of that start
	Converged  bool       // false when MaxIterations or ctx ended that start
}

// KMeans finds o.K clusters in the n rows of x without labels: greedy k-means++
// seeding and Lloyd's iterations from o.Starts seeds, of which the one with the
// least inertia is returned (scikit-learn's KMeans). A cluster that runs empty
// gets the row that is farthest from its own centre; only where there are fewer
// distinct rows than clusters does one stay empty. Distances that the triangle
// inequality settles are not computed (Elkan 2003), at the price of 8 n K bytes.
//
// The result depends on x and o alone. When ctx ends, KMeans returns the best
// clustering so far (nil before the first iteration) and ctx.Err().
func KMeans(ctx context.Context, x []float32, n int, o KMeansOptions) (*Clustering, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	d, err := dim(x, n)
	if err == nil && o.K > n {
		err = fmt.Errorf("%d clusters for %d rows: want at most one cluster per row", o.K, n)
	}
	if err == nil {
		err = findNotFinite(x, d)
	}
	if err != nil {
		return nil, fmt.Errorf("centroid: KMeans: %w", err)
	}
	if o.Metric == Cosine {
		x = normalize(x, n, d)
	}
	l := newLloyd(x, n, d, o)
	var best *Clustering
	for start := range o.Starts {
		if err = ctx.Err(); err != nil {
			break
		}
		l.seed(rand.New(rand.NewPCG(o.Seed, uint64(start))))
		var found *Clustering
		found, err = l.run(ctx, start)
		if found != nil && (best == nil || found.Inertia < best.Inertia) {
			best = found
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		return best, fmt.Errorf("centroid: KMeans: %w", err)
	}
	return best, nil
}

// normalize returns the rows of x divided by max(norm, 1e-12).
func normalize(x []float32, n, d int) []float32 {
	out := make([]float32, len(x))
	parallel(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*d : (i+1)*d]
			scale := 1 / max(math.Sqrt(dot(row, row)), normEps)
			for j, v := range row {
				out[i*d+j] = float32(float64(v) * scale)
			}
		}
	})
	return out
}

// seed chooses the first centres by greedy k-means++ (Arthur and Vassilvitskii
// 2007; sklearn.cluster.kmeans_plusplus): each is the best of 2 + log K rows
// drawn with probability proportional to the squared distance to the nearest
// centre so far.
func (l *lloyd) seed(rng *rand.Rand) {
	n, trials := l.n, 2+int(math.Log(float64(l.o.K)))
	nearest := make([]float64, n) // squared distance to the nearest centre so far
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	candidates := []int{rng.IntN(n)}
	distances := make([][]float64, trials)
	for t := range distances {
		distances[t] = make([]float64, n)
	}
	total, cumulative := 0.0, make([]float64, n)
	for k := range l.o.K {
		if k > 0 {
			candidates = candidates[:0]
			for range trials {
				r := rng.Float64() * total
				i := sort.Search(n, func(i int) bool { return cumulative[i] > r })
				if i == n { // every row coincides with a centre
					i = rng.IntN(n)
				}
				candidates = append(candidates, i)
			}
		}
		chosen := l.potential(candidates, nearest, distances)
		nearest, distances[chosen] = distances[chosen], nearest
		total = 0
		for i, v := range nearest {
			total += v
			cumulative[i] = total
		}
		l.centers.set(k, l.row(candidates[chosen]))
	}
}

// potential fills distances[t] with the squared distance of each row to the
// nearer of its nearest centre and candidate t, and returns the candidate for
// which they add up to the least.
func (l *lloyd) potential(candidates []int, nearest []float64, distances [][]float64) int {
	centers := newTable(len(candidates), l.d)
	for t, i := range candidates {
		centers.set(t, l.row(i))
	}
	sums := make([]float64, len(candidates)*((l.n+rowBlock-1)/rowBlock))
	parallel(l.n, func(lo, hi int) {
		part := sums[lo/rowBlock*len(candidates):][:len(candidates)]
		for i := lo; i < hi; i++ {
			row := l.row(i)
			for t := range candidates {
				v := min(nearest[i], max(0, l.sq[i]+centers.sq[t]-2*dot(row, centers.row(t))))
				distances[t][i] = v
				part[t] += v
			}
		}
	})
	best, least := 0, math.Inf(1)
	for t := range candidates {
		var sum float64
		for b := t; b < len(sums); b += len(candidates) {
			sum += sums[b]
		}
		if sum < least {
			best, least = t, sum
		}
	}
	return best
}
