package tsne

import (
	"context"
	"math"
	"slices"
	"testing"
)

func TestQuality(t *testing.T) {
	ctx := context.Background()
	const n, k = 300, 10
	x := normalRows(n, 2, 1)
	trust, err := Trustworthiness(ctx, x, n, x, 2, k, 2)
	if err != nil || trust != 1 {
		t.Errorf("the data itself has trustworthiness %v (error %v)", trust, err)
	}
	kept, err := NeighborPreservation(ctx, x, n, x, 2, k, 2)
	if err != nil || kept != 1 {
		t.Errorf("the data itself keeps %v of its neighbours (error %v)", kept, err)
	}
	y := normalRows(n, 2, 2)
	if kept, err = NeighborPreservation(ctx, x, n, y, 2, k, 2); err != nil || kept > 0.1 {
		t.Errorf("noise keeps %v of the neighbours (error %v)", kept, err)
	}
	// The definition, by sorting.
	nx, _ := bruteForce(x, n, nil, 0, n-1)
	ny, _ := bruteForce(y, n, nil, 0, k)
	cost := 0
	for i := range n {
		for _, j := range ny[i] {
			cost += max(0, slices.Index(nx[i], j)+1-k)
		}
	}
	want := 1 - 2*float64(cost)/float64(n*k*(2*n-3*k-1))
	if trust, err = Trustworthiness(ctx, x, n, y, 2, k, 3); err != nil ||
		math.Abs(trust-want) > 1e-12 {
		t.Errorf("noise has trustworthiness %v: want %v (error %v)", trust, want, err)
	}
	if _, err := Trustworthiness(ctx, x, n, y, 2, n/2, 1); err == nil {
		t.Error("k of half the rows is no error")
	}
	if _, err := NeighborPreservation(ctx, x, n, y, 3, k, 1); err == nil {
		t.Error("a map of the wrong size is no error")
	}
	if _, err := KL(&Affinities{N: n, Start: make([]int, n+1)}, y, 3, 1); err == nil {
		t.Error("KL of a map of the wrong size is no error")
	}
}
