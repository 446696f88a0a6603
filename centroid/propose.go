package centroid

import (
	"context"
	"errors"
	"fmt"
)

// Proposal is what [ProposeK] found.
type Proposal struct {
	K           int       // the number of clusters whose silhouette is the largest
	Silhouettes []float64 // of 2, 3, ... clusters
}

// proposeRows is the number of rows that are clustered and compared, spread over all of them.
const proposeRows = 2000

// ProposeK proposes a number of clusters from 2 to most for the n rows of x, without labels:
// that whose k-means clusters, by o, have the largest mean [Silhouette] (Rousseeuw 1987); of
// equal ones the smallest number. x is row-major, n x d, n at least 3. It looks at about 2000 rows
// at most. o.K is not used.
//
// It finds groups that are apart from each other. Where they are not, the silhouette is
// largest for few clusters.
func ProposeK(ctx context.Context, x []float32, n, most int, o KMeansOptions) (Proposal, error) {
	fail := func(err error) (Proposal, error) {
		return Proposal{}, fmt.Errorf("centroid: ProposeK: %w", err)
	}
	d, err := dim(x, n)
	if err != nil {
		return fail(err)
	}
	if n < 3 || most < 2 {
		return fail(fmt.Errorf("%d rows and at most %d clusters: want at least 3 and 2", n, most))
	}
	if step := (n + proposeRows - 1) / proposeRows; step > 1 {
		var rows []float32
		for i := 0; i < n; i += step {
			rows = append(rows, x[i*d:(i+1)*d]...)
		}
		x, n = rows, len(rows)/d
	}
	var p Proposal
	for o.K = 2; o.K <= min(most, n-1); o.K++ {
		found, err := KMeans(ctx, x, n, o)
		if err != nil {
			return fail(err)
		}
		if values, _ := distinct(found.Labels); len(values) < o.K {
			break // there are no more distinct rows
		}
		s, err := Silhouette(x, n, found.Labels, o.Metric)
		if err != nil {
			return fail(err)
		}
		p.Silhouettes = append(p.Silhouettes, s)
		if p.K == 0 || s > p.Silhouettes[p.K-2] {
			p.K = o.K
		}
	}
	if p.K == 0 {
		return fail(errors.New("all rows are the same: there are no clusters"))
	}
	return p, nil
}
