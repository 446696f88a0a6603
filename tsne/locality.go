package tsne

import (
	"math"
	"slices"
)

// distance returns the Euclidean distance of a and b in float64.
func distance[T, U float32 | float64](a []T, b []U) float64 {
	var sum float64
	for j := range a {
		c := float64(a[j]) - float64(b[j])
		sum += c * c
	}
	return math.Sqrt(sum)
}

// locality orders n rows of coordinates so that runs of leaf rows lie close together:
// it halves, again and again, at the median of the widest coordinate.
func locality(z []float32, n, leaf int) []int32 {
	w := len(z) / n
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	keys := make([]uint64, n)
	var split func(lo, hi int)
	split = func(lo, hi int) {
		if hi-lo <= leaf {
			slices.Sort(order[lo:hi])
			return
		}
		axis, widest := 0, -1.0
		for j := range min(w, 32) {
			var sum, squares float64
			for _, i := range order[lo:hi] {
				v := float64(z[int(i)*w+j])
				sum += v
				squares += v * v
			}
			c := float64(hi - lo)
			if spread := squares/c - sum/c*sum/c; spread > widest {
				axis, widest = j, spread
			}
		}
		part := keys[lo:hi]
		for at, i := range order[lo:hi] {
			b := math.Float32bits(z[int(i)*w+axis])
			b ^= uint32(int32(b)>>31) | 1<<31 // orders as the numbers do
			part[at] = uint64(b)<<32 | uint64(uint32(i))
		}
		slices.Sort(part)
		for at, key := range part {
			order[lo+at] = int32(uint32(key))
		}
		// Whole blocks on the left, so that only the last block is short.
		blocks := (hi - lo + leaf - 1) / leaf
		mid := lo + (blocks+1)/2*leaf
		split(lo, mid)
		split(mid, hi)
	}
	split(0, n)
	return order
}
