//go:build linux && cgo

package main

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/autoenc"
	"latent/internal/datasettest"
	"latent/internal/run"
)

// A run folder of latent 0.1.0 goes on with the losses that 0.1.0 went on with, and
// its model.pt is read.
func TestOldRunResumes(t *testing.T) {
	datasettest.Open(t, "mnist")
	old, dir := filepath.Join("testdata", "run-0.1.0"), t.TempDir()
	for _, name := range []string{"config.json", "losses.csv", "metrics.json"} {
		write(t, filepath.Join(dir, name), string(read(t, filepath.Join(old, name))))
	}
	for _, name := range []string{"model.pt", "checkpoint.pt"} {
		unzip(t, filepath.Join(old, name+".gz"), filepath.Join(dir, name))
	}
	m, err := autoenc.Load(filepath.Join(dir, "model.pt"), 784)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	x := filepath.Join(dir, "x.csv")
	write(t, x, strings.Repeat("0,", 783)+"1\n")
	must(t, "encode", "--run", dir, "--input", x, "--quiet", "--output",
		filepath.Join(dir, "z.npy"))

	must(t, "train", "--out", dir, "--resume", "--epochs", "3", "--data", datasettest.Dir(t),
		"--quiet")
	want := t.TempDir()
	write(t, filepath.Join(want, "losses.csv"),
		string(read(t, filepath.Join(old, "losses-resumed.csv"))))
	expected, err := run.ReadLosses(want)
	if err != nil {
		t.Fatal(err)
	}
	losses, err := run.ReadLosses(dir)
	if err != nil || len(losses) != len(expected) {
		t.Fatalf("%d losses (%v), want %d", len(losses), err, len(expected))
	}
	for i, l := range losses {
		e := expected[i]
		if l.Step != e.Step || l.Epoch != e.Epoch ||
			math.Abs(float64(l.Loss)/float64(e.Loss)-1) > 1e-5 {
			t.Errorf("loss %+v, 0.1.0 had %+v", l, e)
		}
	}
}

// A plain run says so in its config, and resumes to the bytes of an unbroken one.
func TestPlainRun(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	must(t, small(t, "train", a, "--epochs", "2", "--plain")...)
	must(t, small(t, "train", b, "--epochs", "1", "--plain")...)
	must(t, "train", "--out", b, "--resume", "--epochs", "2", "--quiet")
	sameFiles(t, a, b, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt", "config.json")
	if !strings.Contains(string(read(t, filepath.Join(a, "config.json"))), `"plain": true`) {
		t.Error("config.json does not record that the run is plain")
	}
	refuse(t, 2, []string{"train", "--out", b, "--resume", "--quiet", "--plain=false"},
		"plain is true")
	refuse(t, 2,
		small(t, "train", filepath.Join(t.TempDir(), "c"), "--plain", "--precision",
			"bf16"), "plain")
}

func unzip(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(content))
}
