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
		sum += float64(c * c)
	}
	return math.Sqrt(sum)
}

// locality orders n rows of coordinates so that runs of leaf rows lie close together.
func locality(p *pool, z []float32, n, leaf int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	keys := make([]uint64, n)
	w := len(z) / n
	// Runs that are long enough for a task of their own are divided first.
	type run struct{ lo, hi int }
	runs, done := []run{{0, n}}, []run{}
	most := max(n/256, 64*leaf)
	for len(runs) > 0 {
		next := make([][2]run, len(runs))
		p.run(len(runs), func(t, _ int) {
			r := runs[t]
			mid := r.lo + halve(order[r.lo:r.hi], keys[r.lo:r.hi], z, w, leaf)
			next[t] = [2]run{{r.lo, mid}, {mid, r.hi}}
		})
		runs = runs[:0]
		for _, pair := range next {
			for _, r := range pair {
				if r.hi-r.lo > most {
					runs = append(runs, r)
				} else {
					done = append(done, r)
				}
			}
		}
	}
	p.run(len(done), func(t, _ int) {
		r := done[t]
		cut(order[r.lo:r.hi], keys[r.lo:r.hi], z, w, leaf)
	})
	return order
}

// cut orders rows, of w coordinates each in z, so that runs of leaf rows lie close together: it
// halves, again and again, at the median of the widest coordinate. keys is scratch as
// long as rows.
func cut(rows []int32, keys []uint64, z []float32, w, leaf int) {
	if len(rows) <= leaf {
		slices.Sort(rows)
		return
	}
	mid := halve(rows, keys, z, w, leaf)
	cut(rows[:mid], keys[:mid], z, w, leaf)
	cut(rows[mid:], keys[mid:], z, w, leaf)
}

// halve sorts rows by the widest of their first 32 coordinates and returns where the second half
// begins: after a whole number of leaves, so that only the last one of all is short.
func halve(rows []int32, keys []uint64, z []float32, w, leaf int) int {
	if len(rows) <= leaf {
		slices.Sort(rows)
		return len(rows)
	}
	axis, widest := 0, -1.0
	for j := range min(w, 32) {
		var sum, squares float64
		for _, i := range rows {
			v := float64(z[int(i)*w+j])
			sum += v
			squares += float64(v * v)
		}
		c := float64(len(rows))
		if spread := squares/c - sum/c*sum/c; spread > widest {
			axis, widest = j, spread
		}
	}
	for at, i := range rows {
		keys[at] = uint64(orderedBits(z[int(i)*w+axis]))<<32 | uint64(uint32(i))
	}
	slices.Sort(keys)
	for at, key := range keys {
		rows[at] = int32(uint32(key))
	}
	leaves := (len(rows) + leaf - 1) / leaf
	return (leaves + 1) / 2 * leaf
}
