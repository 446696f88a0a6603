//go:build linux && cgo

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/datasettest"
	"latent/internal/programtest"
)

// TestNotebook runs the page on few images and holds its accuracies against those of
// `latent notebook` with the same options, which must be equal to the last digit.
func TestNotebook(t *testing.T) {
	if testing.Short() {
		t.Skip("trains four models")
	}
	datasettest.Open(t, "mnist")
	data, dir := datasettest.Dir(t), t.TempDir()
	program, err := programtest.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "notebook", "--out", dir+"/notebook", "--data", data,
		"--limit", "1500", "--epochs", "2", "--quiet")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(dir + "/notebook/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var metrics struct {
		Accuracy map[string]struct{ Train, Test float64 }
	}
	if err := json.Unmarshal(text, &metrics); err != nil {
		t.Fatal(err)
	}
	page := notebook(2, 1500, data, dir+"/page")
	if len(page) != len(metrics.Accuracy) {
		t.Errorf("%d spaces, latent notebook has %d", len(page), len(metrics.Accuracy))
	}
	for _, a := range page {
		if want := metrics.Accuracy[a.space]; a.train != want.Train || a.test != want.Test {
			t.Errorf("%s: %v and %v, latent notebook has %v and %v", a.space, a.train, a.test,
				want.Train, want.Test)
		}
	}
	for _, name := range []string{"sample.png", "loss.png", "tsne.png", "tsne-contrastive.png"} {
		if info, err := os.Stat(filepath.Join(dir, "page", name)); err != nil ||
			info.Size() < 100 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestDocsCommands runs the commands of docs/notebook.md one after the other as they
// stand, but for fewer epochs and iterations.
func TestDocsCommands(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1 runs the commands on the whole of MNIST")
	}
	datasettest.Open(t, "mnist")
	dir := t.TempDir()
	if _, err := programtest.Build(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(datasettest.Dir(t), dir+"/data"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "latent ") {
			continue
		}
		switch {
		case strings.HasPrefix(line, "latent train"):
			line += " --epochs 1"
		case strings.HasPrefix(line, "latent tsne"):
			line += " --iterations 10"
		}
		command := exec.Command("sh", "-c", "./"+line)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		count++
	}
	if count < 8 {
		t.Errorf("%d commands, want at least 8", count)
	}
}
