package tsne

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// judge knows a data set and tells how good a map of it is, the same way for every map.
type judge struct {
	x      []float32
	n      int
	labels []int
	graph  *NeighborGraph // of the rows
	p      *Affinities    // perplexity 30
}

// verdict is what a judge says of a map.
type verdict struct {
	KL           float64 `json:"kl"`           // over all pairs
	Preservation float64 `json:"preservation"` // of 30 neighbours
	Trust        float64 `json:"trust"`        // 12 neighbours, a sample of 2,000 rows
	// share of rows whose nearest in the map has their label
	OneNN   float64 `json:"one_nn"`
	Islands int     `json:"islands"`
}

func (v verdict) String() string {
	return fmt.Sprintf("KL %.4f, preservation %.4f, trust %.4f, 1-NN %.4f, islands %d", v.KL,
		v.Preservation, v.Trust, v.OneNN, v.Islands)
}

func (j *judge) verdict(t testing.TB, y []float32) verdict {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var v verdict
	var err error
	v.KL, err = KL(j.p, y, 2, 0)
	check(err)
	g, err := ExactNeighbors{}.Nearest(context.Background(), y, j.n, nil, 0, 30)
	check(err)
	kept, same := 0, 0
	for i := range j.n {
		of := j.graph.Index[i*j.graph.K:][:30]
		for _, r := range g.Index[i*30 : (i+1)*30] {
			if slices.Contains(of, r) {
				kept++
			}
		}
		if j.labels[i] == j.labels[g.Index[i*30]] {
			same++
		}
	}
	v.Preservation = float64(kept) / float64(30*j.n)
	v.OneNN = float64(same) / float64(j.n)
	sample := rand.New(rand.NewPCG(1, 1)).Perm(j.n)[:min(j.n, 2000)]
	d := len(j.x) / j.n
	var xs, ys []float32
	for _, i := range sample {
		xs = append(xs, j.x[i*d:(i+1)*d]...)
		ys = append(ys, y[2*i:2*i+2]...)
	}
	v.Trust, err = Trustworthiness(context.Background(), xs, len(sample), ys, 2, 12, 0)
	check(err)
	tenth := make([]float64, j.n)
	for i := range tenth {
		tenth[i] = math.Sqrt(float64(g.Distance[i*30+9]))
	}
	slices.Sort(tenth)
	v.Islands = islands(y, j.labels, 3*tenth[j.n/2])
	return v
}

// islands counts the connected components of each class, of more than 2 % of it, under links
// shorter than reach, beyond one a class.
func islands(y []float32, labels []int, reach float64) int {
	n := len(labels)
	root := make([]int32, n)
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	type cell struct{ x, y, label int }
	at := func(i int) cell {
		return cell{int(math.Floor(float64(y[2*i]) / reach)),
			int(math.Floor(float64(y[2*i+1]) / reach)), labels[i]}
	}
	cells := map[cell][]int32{}
	size := map[int]int{}
	for i := range n {
		size[labels[i]]++
		for dx := -1; reach > 0 && dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				c := at(i)
				c.x, c.y = c.x+dx, c.y+dy
				for _, k := range cells[c] {
					if math.Hypot(float64(y[2*i]-y[2*k]), float64(y[2*i+1]-y[2*k+1])) < reach {
						root[find(int32(i))] = find(k)
					}
				}
			}
		}
		if reach > 0 {
			cells[at(i)] = append(cells[at(i)], int32(i))
		}
	}
	members := map[int32]int{}
	for i := range n {
		members[find(int32(i))]++
	}
	count := 0
	for r, m := range members {
		if float64(m) > 0.02*float64(size[labels[r]]) {
			count++
		}
	}
	return count - len(size)
}
