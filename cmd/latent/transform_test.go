package main

import (
	"math"
	"path/filepath"
	"testing"

	"latent/internal/matrix"
)

// A row that was embedded is placed again among the points of its own cluster.
func TestTSNETransform(t *testing.T) {
	tmp := t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 300, 10)
	y, placed := filepath.Join(tmp, "y.npy"), filepath.Join(tmp, "placed.npy")
	must(t, "tsne", "--input", x, "--output", y, "--quiet", "--iterations", "300", "--transform",
		x, "--transform-output", placed)
	a, err := matrix.ReadFile(y)
	if err != nil {
		t.Fatal(err)
	}
	b, err := matrix.ReadFile(placed)
	if err != nil || b.Rows != 300 || b.Cols != 2 {
		t.Fatalf("%d x %d placed, %v", b.Rows, b.Cols, err)
	}
	for i := range 300 {
		nearest, distance := 0, math.Inf(1)
		for j := range 300 {
			dx, dy := float64(b.Data[2*i]-a.Data[2*j]), float64(b.Data[2*i+1]-a.Data[2*j+1])
			if d := math.Hypot(dx, dy); d < distance {
				nearest, distance = j, d
			}
		}
		if nearest%3 != i%3 {
			t.Errorf("row %d of cluster %d is placed beside row %d", i, i%3, nearest)
		}
	}
	refuse(t, exitUsage, []string{"tsne", "--input", x, "--output", y, "--transform", x},
		"--transform-output")
	narrow := blobs(t, filepath.Join(tmp, "narrow.npy"), 30, 4)
	refuse(t, exitFailed,
		[]string{"tsne", "--input", x, "--output", y, "--transform", narrow, "--transform-output",
			placed}, "narrow.npy", "4 columns")
}
