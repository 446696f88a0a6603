package tsne

import (
	"context"
	"fmt"
)

// KL returns the Kullback-Leibler divergence KL(P || Q) of the map y (a.N x components,
// row-major), exact over all pairs. It takes O(n²) time.
func KL(a *Affinities, y []float32, components, threadCount int) (float64, error) {
	if components < 1 || components > 3 || len(y) != a.N*components {
		return 0, fmt.Errorf("tsne: KL: %d values: want %d rows of 1 to 3, not %d", len(y), a.N,
			components)
	}
	if err := checkRows("KL", y, a.N); err != nil {
		return 0, err
	}
	p := newPool(threads(threadCount))
	defer p.close()
	f := newField(p, a.joint(), y, components, 0, true)
	f.compute(true)
	return f.divergence(), nil
}

// NeighborPreservation returns the share, 0 to 1, of every row's k nearest rows in x (n rows)
// that are among its k nearest in the map y (n x components), on average.
func NeighborPreservation(ctx context.Context, x []float32, n int, y []float32,
	components, k, threadCount int) (float64, error) {
	gx, gy, err := bothGraphs(ctx, x, n, y, components, k, threadCount)
	if err != nil {
		return 0, err
	}
	kept := 0
	in := make([]int32, n) // the last row, plus one, that has this one as a neighbour in x
	for i := range n {
		for _, j := range gx.Index[i*k : (i+1)*k] {
			in[j] = int32(i + 1)
		}
		for _, j := range gy.Index[i*k : (i+1)*k] {
			if in[j] == int32(i+1) {
				kept++
			}
		}
	}
	return float64(kept) / float64(n*k), nil
}

// Trustworthiness returns how far, 0 to 1, the k nearest rows in the map y are near in x
// (Venna and Kaski 2001; scikit-learn's trustworthiness): rows that come close in
// the map without being among the k nearest in x cost their rank. k must be below
// n/2. It takes O(n² d) time.
func Trustworthiness(ctx context.Context, x []float32, n int, y []float32,
	components, k, threadCount int) (float64, error) {
	if 2*k >= n {
		return 0, fmt.Errorf("tsne: trustworthiness: k is %d: want less than half of %d rows", k,
			n)
	}
	if err := checkRows("trustworthiness", x, n); err != nil {
		return 0, err
	}
	if len(y) != n*components {
		return 0, fmt.Errorf("tsne: trustworthiness: the map has %d values: want %d rows of %d",
			len(y), n, components)
	}
	gy, err := ExactNeighbors{Threads: threadCount}.Nearest(ctx, y, n, nil, n, k)
	if err != nil {
		return 0, err
	}
	p := newPool(threads(threadCount))
	defer p.close()
	d := len(x) / n
	const rows = 16 // share one pass over x
	cost := make([]int, (n+rows-1)/rows)
	p.blocks(n, rows, func(lo, hi, _ int) {
		if ctx.Err() != nil {
			return
		}
		// The rank of a neighbour j is the number of rows at most as far, ties by number.
		own := make([]uint64, (hi-lo)*k)
		rank := make([]int, (hi-lo)*k)
		for i := lo; i < hi; i++ {
			for c, j := range gy.Index[i*k : (i+1)*k] {
				own[(i-lo)*k+c] = pairKey(squaredDistance(x[i*d:(i+1)*d], x[int(j)*d:int(j+1)*d]),
					j)
			}
		}
		for j := range n {
			for i := lo; i < hi; i++ {
				if i == j {
					continue
				}
				key := pairKey(squaredDistance(x[i*d:(i+1)*d], x[j*d:(j+1)*d]), int32(j))
				for c := (i - lo) * k; c < (i-lo+1)*k; c++ {
					if key <= own[c] {
						rank[c]++
					}
				}
			}
		}
		for _, r := range rank {
			cost[lo/rows] += max(0, r-k)
		}
	})
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	total := 0
	for _, c := range cost {
		total += c
	}
	return 1 - 2*float64(total)/(float64(n)*float64(k)*float64(2*n-3*k-1)), nil
}

func bothGraphs(ctx context.Context, x []float32, n int, y []float32,
	components, k, threadCount int) (gx, gy *NeighborGraph, err error) {
	if len(y) != n*components {
		return nil, nil, fmt.Errorf("tsne: neighbor preservation: the map has %d values: want "+
			"%d rows of %d", len(y), n, components)
	}
	finder := ExactNeighbors{Threads: threadCount}
	if gx, err = finder.Nearest(ctx, x, n, nil, n, k); err != nil {
		return nil, nil, err
	}
	gy, err = finder.Nearest(ctx, y, n, nil, n, k)
	return gx, gy, err
}
