//go:build linux && cgo

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/matrix"
)

// groups writes n rows around three corners, and the corners as labels.
func groups(t *testing.T, dir, name string, n int) (rows, labels string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	m, classes := matrix.Matrix{Rows: n, Cols: 8, Data: make([]float32, n*8)}, make([]int, n)
	for i := range m.Data {
		row, column := i/8, i%8
		m.Data[i] = float32(rng.NormFloat64())
		if classes[row] = row % 3; column%3 == row%3 {
			m.Data[i] += 12
		}
	}
	rows, labels = filepath.Join(dir, name+".npy"), filepath.Join(dir, name+"-labels.npy")
	if err := matrix.WriteFile(rows, m); err != nil {
		t.Fatal(err)
	}
	if err := matrix.WriteLabels(labels, classes); err != nil {
		t.Fatal(err)
	}
	return rows, labels
}

// A self-label run finds groups that lie apart, reads no label, and resumes to the bytes of an
// unbroken run, before, at and after the first clusters and the end of a round.
func TestSelfLabel(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	x, l := groups(t, dir, "x", 300)
	xt, lt := groups(t, dir, "xt", 60)
	rows := []string{"--input", x, "--test-input", xt, "--contrastive", "self-label", "--clusters",
		"3",
		"--encoder-widths", "16,4", "--decoder-widths", "16"}
	labelled := append(rows[:len(rows):len(rows)], "--labels", l, "--test-labels", lt)
	files := []string{"losses.csv", "model.pt", "checkpoint.pt", "clusters-0.npy",
		"clusters-1.npy"}

	must(t, owned(at("a"), append(labelled, "--epochs", "18")...)...)
	must(t, owned(at("without"), append(rows, "--epochs", "18")...)...)
	sameFiles(t, at("a"), at("without"), files...)
	for _, epochs := range []string{"3", "10", "12", "15", "17"} {
		out := at("resumed-" + epochs)
		must(t, owned(out, append(labelled, "--epochs", epochs)...)...)
		must(t, "train", "--out", out, "--resume", "--epochs", "18", "--quiet")
		sameFiles(t, out, at("a"), append(files, "accuracy.csv")...)
	}

	// Interrupted while it drew the map, it draws it again.
	must(t, owned(at("map"), append(labelled, "--epochs", "10")...)...)
	if err := os.Remove(at("map/clusters-0.npy")); err != nil {
		t.Fatal(err)
	}
	must(t, "train", "--out", at("map"), "--resume", "--epochs", "18", "--quiet")
	sameFiles(t, at("map"), at("a"), files...)

	classes, err := matrix.ReadLabels(at("a/clusters-1.npy"))
	if err != nil || len(classes) != 300 {
		t.Fatalf("%d classes, %v", len(classes), err)
	}
	names, unknown := map[int]int{}, 0
	for i, class := range classes {
		if class < 0 {
			unknown++
			continue
		}
		if name, ok := names[class]; ok && name != i%3 {
			t.Fatalf("row %d of group %d is in cluster %d with group %d", i, i%3, class, name)
		}
		names[class] = i % 3
	}
	if len(names) != 3 || unknown != 30 {
		t.Errorf("%d clusters, and %d of 300 rows without a class", len(names), unknown)
	}
	for _, k := range []string{"3", "auto"} {
		v := object(t,
			must(t, "classify", "--run", at("a"), "--quiet", "--threads", "1", "--json",
				"--clusters", k))
		if got := fmt.Sprint(v["clusters"],
			v["accuracy"].(map[string]any)["latent"]); got != "3 map[test:1 train:1]" {
			t.Errorf("--clusters %s: %s", k, got)
		}
		if proposed, ok := v["silhouette_of_proposal"].(float64); ok != (k == "auto") || ok &&
			!(proposed > 0.5 && proposed <= 1) {
			t.Errorf("--clusters %s: silhouette %v", k, v["silhouette_of_proposal"])
		}
	}
	said := must(t, "classify", "--input", x, "--labels", l, "--quiet", "--clusters",
		"auto").stdout
	if !strings.Contains(said, "3 clusters, euclidean (auto: silhouette 0.") {
		t.Errorf("it prints %q", said)
	}

	refuse(t, 2,
		[]string{"train", "--out", at("a"), "--resume", "--epochs", "19", "--quiet", "--clusters",
			"4"}, "clusters")
	refuse(t, 1, owned(at("b"), append(rows, "--clusters", "301")...), "301 clusters for 300 rows")
	if err := matrix.WriteLabels(at("a/clusters-1.npy"), classes[1:]); err != nil {
		t.Fatal(err)
	}
	goOn := []string{"train", "--out", at("a"), "--resume", "--epochs", "19", "--quiet"}
	refuse(t, 1, goOn, "clusters-1.npy", "299 classes for 300 rows")
	if err := os.Remove(at("a/clusters-1.npy")); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, goOn, "clusters-1.npy")
}
