//go:build linux && cgo

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"latent/internal/matrix"
)

// quick are the flags of a notebook that takes seconds.
func quick(t *testing.T, dir string, more ...string) []string {
	t.Helper()
	args := small(t, "notebook", dir, append([]string{"--epochs", "1"}, more...)...)
	for i, a := range args {
		if a == "--quiet" {
			return append(args[:i:i], args[i+1:]...)
		}
	}
	return args
}

// numbers are a metrics.json without times.
func numbers(t *testing.T, dir string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(read(t, filepath.Join(dir, "metrics.json")), &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "seconds")
	for _, v := range m["tsne"].(map[string]any) {
		delete(v.(map[string]any), "seconds")
	}
	return m
}

// The notebook leaves all that users rely on, keeps what is finished, and does
// again just what a changed option touches.
func TestNotebook(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nb")
	v := object(t, must(t, quick(t, dir, "--json")...))
	spaces := []string{"original", "reconstruction", "contrastive"}
	for _, space := range spaces {
		for _, split := range []string{"train", "test"} {
			at(t, v, "accuracy", space, split)
			if space != "original" {
				at(t, v, "mse", space, split)
			}
		}
		for _, key := range []string{"kl", "iterations", "seconds"} {
			at(t, v, "tsne", space, key)
		}
		m, err := matrix.ReadFile(filepath.Join(dir, "tsne", space+".npy"))
		if err != nil || m.Rows != 100 || m.Cols != 2 {
			t.Errorf("embedding %s: %d x %d, %v", space, m.Rows, m.Cols, err)
		}
	}
	for _, key := range []string{"reconstruction", "contrastive", "total"} {
		at(t, v, "seconds", key)
	}
	for _, name := range []string{"sample", "loss", "accuracy", "tsne", "tsne-contrastive",
		"reconstructions"} {
		for _, format := range []string{".png", ".svg"} {
			read(t, filepath.Join(dir, "figures", name+format))
		}
	}
	for _, model := range spaces[1:] {
		for _, name := range []string{"config.json", "losses.csv", "accuracy.csv", "loss.png",
			"loss.svg", "model.pt", "checkpoint.pt", "metrics.json"} {
			read(t, filepath.Join(dir, model, name))
		}
	}
	if page := string(read(t, filepath.Join(dir, "report.html"))); !strings.Contains(page,
		"</html>") {
		t.Error("report.html is no page")
	}
	if l, err := matrix.ReadLabels(filepath.Join(dir, "tsne", "labels.npy")); err != nil ||
		len(l) != 100 || l[0] != 5 || l[1] != 1 {
		t.Errorf("labels %v, %v", l, err) // 5, 0, 4, 1, ...: every third from the first on
	}

	last := must(t, quick(t, dir)...).stdout
	if !strings.Contains(last, "\n1 epoch stops before the latents overtake the pixels: ") ||
		!strings.Contains(last, "--epochs 500 goes on from here.\n") {
		t.Errorf("it ends with %q", last)
	}
	again := must(t, quick(t, dir)...)
	if !strings.Contains(again.stderr, "nothing to do") || strings.Count(again.stderr, "\n") != 1 {
		t.Errorf("a second run says %q", again.stderr)
	}

	scored := must(t, quick(t, dir, "--scores", "--json")...)
	if v := object(t, scored); at(t, v, "scores", "linear", "contrastive",
		"test").(float64) < 0.2 {
		t.Errorf("scores %v", v["scores"])
	}
	if strings.Contains(scored.stderr, "train reconstruction") ||
		strings.Contains(scored.stderr, "t-SNE") {
		t.Errorf("with --scores it says %q", scored.stderr)
	}

	more := must(t, quick(t, dir, "--epochs", "2")...)
	for _, want := range []string{"train reconstruction is not up to date: epochs is 1",
		"train contrastive", "t-SNE contrastive", "figures", "report"} {
		if !strings.Contains(more.stderr, want) {
			t.Errorf("more epochs: %q does not say %q", more.stderr, want)
		}
	}
	for _, kept := range []string{"t-SNE original", "from the start"} {
		if strings.Contains(more.stderr, kept) {
			t.Errorf("more epochs: %q says %q", more.stderr, kept)
		}
	}
	for _, model := range spaces[1:] {
		if n := epochsDone(t, filepath.Join(dir, model)); n != 2 {
			t.Errorf("%s has %d epochs", model, n)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	must(t, quick(t, fresh, "--epochs", "2")...)
	if a, b := numbers(t, dir), numbers(t, fresh); !reflect.DeepEqual(a, b) {
		t.Errorf("trained on, the metrics are\n%v\ntrained at once\n%v", a, b)
	}

	if err := os.Remove(filepath.Join(dir, "figures", "tsne.png")); err != nil {
		t.Fatal(err)
	}
	redrawn := must(t, quick(t, dir, "--epochs", "2")...)
	if !strings.Contains(redrawn.stderr, "tsne.png is missing") ||
		strings.Contains(redrawn.stderr, "train reconstruction") {
		t.Errorf("without a figure: %q", redrawn.stderr)
	}

	other := must(t, quick(t, dir, "--epochs", "2", "--lr", "2e-3")...)
	if !strings.Contains(other.stderr, "starts over") ||
		strings.Contains(other.stderr, "t-SNE original") {
		t.Errorf("another learning rate: %q", other.stderr)
	}
	if n := epochsDone(t, filepath.Join(dir, "reconstruction.previous")); n != 2 {
		t.Errorf("the run before has %d epochs", n)
	}
}

// Killed or interrupted again and again, the same command completes, with the
// numbers of an unbroken run.
func TestNotebookKilled(t *testing.T) {
	tmp := t.TempDir()
	dir, unbroken := filepath.Join(tmp, "nb"), filepath.Join(tmp, "unbroken")
	for i := range 4 {
		cmd, stderr := start(t, quick(t, dir, "--epochs", "3")...)
		time.Sleep(time.Duration(500+700*i) * time.Millisecond)
		if i%2 == 0 {
			cmd.Process.Kill()
		} else {
			cmd.Process.Signal(os.Interrupt)
		}
		code := wait(t, cmd)
		if code != -1 && code != 0 && code != 130 {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		if code == 130 && !strings.Contains(stderr.String(), "latent notebook --out") &&
			!strings.Contains(stderr.String(), "same command") {
			t.Errorf("interrupted: %q", stderr)
		}
	}
	must(t, quick(t, dir, "--epochs", "3")...)
	must(t, quick(t, unbroken, "--epochs", "3")...)
	if a, b := numbers(t, dir), numbers(t, unbroken); !reflect.DeepEqual(a, b) {
		t.Errorf("after kills the metrics are\n%v\nunbroken\n%v", a, b)
	}
}
