package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/matrix"
)

// withInput runs f with a file as standard input.
func withInput(t *testing.T, path string, f func()) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	stdin := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = stdin }()
	f()
}

// Standard input and output give what files give, .npy and CSV.
func TestTSNEStreams(t *testing.T) {
	tmp := t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 100, 4)
	m, err := matrix.ReadFile(x)
	if err != nil {
		t.Fatal(err)
	}
	csv := filepath.Join(tmp, "x.csv")
	if err := matrix.WriteFile(csv, m); err != nil {
		t.Fatal(err)
	}
	run := []string{"tsne", "--iterations", "30", "-q", "--input"}
	for _, format := range matrix.Formats {
		y := filepath.Join(tmp, "y."+format)
		must(t, append(run, x, "-o", y)...)
		for _, in := range []string{x, csv} {
			withInput(t, in, func() {
				r := must(t, append(run, "-", "-o", "-", "--format", format)...)
				if r.stdout != string(read(t, y)) || r.stderr != "" {
					t.Errorf("%s from %s: other bytes, stderr %q", format, in, r.stderr)
				}
			})
		}
	}
	// New rows from standard input, to standard output.
	z := filepath.Join(tmp, "z.csv")
	y := filepath.Join(tmp, "y.npy")
	must(t, append(run, x, "-o", y, "--transform", csv, "--transform-output", z)...)
	withInput(t, csv, func() {
		if r := must(t,
			append(run, x, "-o", y, "--transform", "-", "--transform-output",
				"-")...); r.stdout != string(read(t, z)) {
			t.Error("transform: other bytes")
		}
	})
	withInput(t, write(t, filepath.Join(tmp, "hole.csv"), "1,2\n3,\n"), func() {
		refuse(t, exitFailed, append(run, "-", "-o", y), "standard input", "line 2, column 2")
	})
}

// A saved map places rows where the fresh one does.
func TestTSNESaveAndLoad(t *testing.T) {
	tmp := t.TempDir()
	x, fresh := blobs(t, filepath.Join(tmp, "x.npy"), 200, 6),
		blobs(t, filepath.Join(tmp, "fresh.npy"), 40, 6)
	file := func(name string) string { return filepath.Join(tmp, name) }
	must(t, "tsne", "--input", x, "-o", file("y.npy"), "--iterations", "100", "-q", "--metric",
		"cosine", "--alpha", "0.8", "--save", file("model.npz"),
		"--transform", fresh, "--transform-output", file("at-once.npy"))
	must(t, "tsne", "--load", file("model.npz"), "--transform", fresh, "--transform-output",
		file("later.npy"), "-q", "--threads", "3")
	if !bytes.Equal(read(t, file("at-once.npy")), read(t, file("later.npy"))) {
		t.Error("other positions")
	}
	v := object(t,
		must(t, "tsne", "--load", file("model.npz"), "--transform", fresh, "--transform-output",
			file("later.npy"), "-q", "--json"))
	if at(t, v, "n") != 40.0 || at(t, v, "dims") != 2.0 {
		t.Errorf("tsne says %v", v)
	}
	narrow := blobs(t, file("narrow.npy"), 30, 4)
	load := []string{"tsne", "--transform-output", file("none.npy"), "-q", "--transform"}
	refuse(t, exitFailed, append(load, narrow, "--load", file("model.npz")), "narrow.npy",
		"4 columns", "model.npz has 6")
	refuse(t, exitFailed, append(load, fresh, "--load", x), "x.npy", "not a .npz file")
	refuse(t, exitFailed, append(load, fresh, "--load", file("none.npz")), "none.npz",
		"no such file")
	refuse(t, exitFailed,
		append(load, fresh, "--load",
			write(t, file("cut.npz"),
				string(read(t, file("model.npz"))[:9000]))), "cut.npz", "not a .npz file")
	if _, err := os.Stat(file("none.npy")); err == nil {
		t.Error("none.npy is written")
	}
}

// Neighbours that scikit-learn found: the map is that of the rows themselves, which the golden's
// are.
func TestTSNEKnn(t *testing.T) {
	tmp := t.TempDir()
	knn := "../../tsne/testdata/knn.npz"
	var maps [][]byte
	for _, more := range [][]string{{"--threads", "1"}, {"--threads", "3"},
		{"--knn", "../../tsne/testdata/csr.npz"}} {
		y := filepath.Join(tmp, "y.npy")
		must(t,
			append([]string{"tsne", "--knn", knn, "--init", "random", "--perplexity", "10",
				"--iterations", "50", "-o", y, "-q"}, more...)...)
		maps = append(maps, read(t, y))
	}
	if !bytes.Equal(maps[0], maps[1]) {
		t.Error("three threads give another map")
	}
	if m, err := matrix.ReadFile(filepath.Join(tmp, "y.npy")); err != nil || m.Rows != 100 {
		t.Errorf("%d rows, %v", m.Rows, err)
	}
	x := blobs(t, filepath.Join(tmp, "x.npy"), 99, 6)
	y := filepath.Join(tmp, "none.npy")
	refuse(t, exitFailed, []string{"tsne", "--knn", knn, "--input", x, "-o", y, "-q"},
		"--knn is of 100 rows", "want 99")
	refuse(t, exitFailed,
		[]string{"tsne", "--knn", knn, "--init", "random", "--perplexity", "40", "-o", y,
			"-q"}, "--perplexity is 40", "31 neighbours")
	refuse(t, exitFailed, []string{"tsne", "--knn", x, "--init", "random", "-o", y, "-q"}, "x.npy",
		"not a .npz file")
}

// Every kind of affinity and force ends with a map.
func TestTSNEKinds(t *testing.T) {
	tmp := t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 150, 5)
	seen := map[string]string{}
	for _, more := range []string{"", "--metric cosine", "--kernel uniform", "--perplexity 5,40",
		"--alpha 0.5", "--late-exaggeration 3"} {
		y := filepath.Join(tmp, "y.npy")
		must(t,
			append([]string{"tsne", "--input", x, "-o", y, "-q", "--iterations", "60",
				"--exaggeration-iterations", "30"}, strings.Fields(more)...)...)
		b := string(read(t, y))
		if other, ok := seen[b]; ok {
			t.Errorf("%q gives the map of %q", more, other)
		}
		seen[b] = more
	}
}
