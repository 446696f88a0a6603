//go:build linux && cgo

package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"latent/dataset"
	"latent/tsne"
)

func TestNearness(t *testing.T) {
	centers := []float32{0, 0, 4, 0, 0, 9}
	for _, c := range []struct {
		x, y float32
		want float64
	}{{0, 0, 0}, {1, 0, 1.0 / 9}, {3, 0, 1.0 / 9}, {2, 0, 1}, {4, 0, 0}, {0, 8, 1.0 / 64}} {
		if got := nearness([]float32{c.x, c.y}, centers); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("(%g, %g): %g, want %g", c.x, c.y, got, c.want)
		}
	}
	if got := nearness([]float32{1}, []float32{5}); got != 0 {
		t.Errorf("one centre: %g", got)
	}
}

// Of twenty points, the two between the groups have no class.
func TestSureClusters(t *testing.T) {
	var x []float32
	for i := range 9 {
		x = append(x, float32(i)/10)
	}
	x = append(x, 4.7, 5.3)
	for i := range 9 {
		x = append(x, 9.2+float32(i)/10)
	}
	classes, err := sureClusters(context.Background(), x, 20, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range classes {
		want := classes[0]
		switch {
		case i == 9 || i == 10:
			want = dataset.Unknown
		case i > 10:
			want = 1 - classes[0]
		}
		if k != want {
			t.Errorf("row %d: class %d, want %d", i, k, want)
		}
	}
}

func TestAgreement(t *testing.T) {
	for _, c := range []struct {
		before, after []int
		want          float64
	}{
		{[]int{0, 0, 1, 1}, []int{1, 1, 0, 0}, 1}, // renamed
		{[]int{0, 0, 1, 1}, []int{0, 0, 0, 1}, 0.75},
		{[]int{0, -1, 1, 1}, []int{0, 1, 1, -1}, 1},
		{[]int{-1, 0}, []int{0, -1}, 0},
	} {
		if got := agreement(c.before, c.after); got != c.want {
			t.Errorf("%v, %v: %g, want %g", c.before, c.after, got, c.want)
		}
	}
}

// Rows on a line, in two groups. The second has the other group's class, and its neighbours put
// it right. The seventh, between the groups, has none before and after.
func TestVoted(t *testing.T) {
	x := []float32{0, 1, 2, 3, 4, 5, 7.5, 10, 11, 12, 13, 14, 15}
	classes := []int{0, 1, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1, 1}
	g, err := tsne.ExactNeighbors{}.Nearest(context.Background(), x, 13, nil, 13, 4)
	if err != nil {
		t.Fatal(err)
	}
	want := []int{0, 0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1, 1}
	if got := voted(g, classes, 2); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
