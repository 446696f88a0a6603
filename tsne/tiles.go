package tsne

import (
	"cmp"
	"slices"
)

// tile is a block of queries against a block of rows.
type tile struct {
	q, b int32
	dist float32 // of their centres
}

func (s *search) tiles() []tile {
	parts := make([][]tile, len(s.query.blocks))
	s.pool.blocks(len(parts), 1, func(q, _, _ int) {
		first := 0
		if s.self {
			first = q
		}
		for b := first; b < len(s.base.blocks); b++ {
			parts[q] = append(parts[q],
				tile{int32(q), int32(b),
					float32(distance(s.query.blocks[q].center, s.base.blocks[b].center))})
		}
	})
	return sortedTiles(s.pool, parts)
}

// sortedTiles returns the tiles of all parts, nearest first. They are dealt by splitters into
// buckets, each of which is sorted by itself.
func sortedTiles(p *pool, parts [][]tile) []tile {
	const buckets, sampled = 64, 32
	var sample []float32
	for _, part := range parts {
		for i := 0; i < len(part); i += len(part)/sampled + 1 {
			sample = append(sample, part[i].dist)
		}
	}
	slices.Sort(sample)
	bucket := func(t tile) int { // of the splitters, the first that is not below
		i, _ := slices.BinarySearch(sample, t.dist)
		return i * buckets / (len(sample) + 1)
	}
	at := make([][buckets]int, len(parts)) // where each part's tiles of each bucket go
	p.blocks(len(parts), 1, func(q, _, _ int) {
		for _, t := range parts[q] {
			at[q][bucket(t)]++
		}
	})
	var end [buckets]int
	total := 0
	for b := range buckets {
		for q := range at {
			at[q][b], total = total, total+at[q][b]
		}
		end[b] = total
	}
	all := make([]tile, total)
	p.blocks(len(parts), 1, func(q, _, _ int) {
		for _, t := range parts[q] {
			to := &at[q][bucket(t)]
			all[*to] = t
			*to++
		}
		parts[q] = nil
	})
	p.blocks(buckets, 1, func(b, _, _ int) {
		lo := 0
		if b > 0 {
			lo = end[b-1]
		}
		slices.SortFunc(all[lo:end[b]], func(a, b tile) int {
			return cmp.Or(cmp.Compare(a.dist, b.dist), cmp.Compare(a.q, b.q),
				cmp.Compare(a.b, b.b))
		})
	})
	return all
}
