package centroid

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
)

// corners are n rows of d numbers around k corners of a cube with sides of 10.
func corners(n, d, k int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*d)
	for i := range n {
		for j := range d {
			x[i*d+j] = float32(float64(10*(i%k>>j&1)) + rng.NormFloat64())
		}
	}
	return x
}

func TestProposeKFindsTheBlobs(t *testing.T) {
	for _, c := range []struct{ n, k int }{{90, 2}, {300, 3}, {300, 7}, {1000, 10}, {9000, 13}} {
		x := corners(c.n, 5, c.k)
		p, err := ProposeK(context.Background(), x, c.n, 20, DefaultKMeansOptions())
		if err != nil || p.K != c.k || len(p.Silhouettes) != 19 {
			t.Errorf("%d blobs: %+v, %v", c.k, p, err)
		}
	}
	directions := make([]float32, 0, 300)
	for i := range 100 {
		v := [3]float32{0.05, 0.05, 0.05}
		v[i%3] = float32(1 + i)
		directions = append(directions, v[:]...)
	}
	o := DefaultKMeansOptions()
	o.Metric = Cosine
	if p, err := ProposeK(context.Background(), directions, 100, 10, o); err != nil || p.K != 3 {
		t.Errorf("three directions: %+v, %v", p, err)
	}
}

func TestProposeKRefuses(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		x    []float32
		n    int
		most int
		want string
	}{
		{context.Background(), []float32{1, 2}, 2, 5, "2 rows"},
		{context.Background(), []float32{1, 2, 3}, 3, 1, "at most 1 clusters"},
		{context.Background(), []float32{1, 2, 3}, 2, 5, "ProposeK"},
		{context.Background(), make([]float32, 8), 4, 5, "all rows are the same"},
		{ctx, corners(20, 2, 2), 20, 5, "canceled"},
	} {
		_, err := ProposeK(c.ctx, c.x, c.n, c.most, DefaultKMeansOptions())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d values, %d rows, %d: %v, want %q", len(c.x), c.n, c.most, err, c.want)
		}
	}
}
