// Package compare tests the comparison scripts beside it.
package compare

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"latent/internal/datasettest"
)

// pythonWithTorch is a Python that can compare, or skips the test.
func pythonWithTorch(t *testing.T) string {
	t.Helper()
	for _, python := range []string{os.Getenv("LATENT_PYTHON"), "python3", "/usr/bin/python3"} {
		if python != "" && exec.Command(python, "-c", "import numpy, torch").Run() == nil {
			return python
		}
	}
	t.Skip("no Python here has torch and numpy")
	return ""
}

// Two batches of each side: the same seed agrees, another one does not, and what
// is missing is told.
func TestCompareAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PyTorch")
	}
	python := pythonWithTorch(t)
	datasettest.Open(t, "mnist")
	dir := t.TempDir()
	latent := filepath.Join(dir, "latent")
	if out, err := exec.Command("go", "build", "-o", latent,
		"latent/cmd/latent").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other := filepath.Join(dir, "other-seed") // latent, but with seed 1
	script := `#!/bin/sh
for a in "$@"; do
	shift
	[ "$last" = --seed ] && a=1
	set -- "$@" "$a"
	last=$a
done
exec "` + latent + `" "$@"
`
	if err := os.WriteFile(other, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		flags  []string
		latent string
		code   int
		want   string
	}{
		{"agrees", nil, latent, 0, "0 of 9 judged rows disagree"},
		{"another seed", nil, other, 1, "NO"},
		{"no latent", nil, filepath.Join(dir, "none"), 2, "none is missing: run make"},
		{"no torch", []string{"-S"}, latent, 2, "apt-get install python3-torch"},
		{"wrong seeds", []string{"--seeds=a"}, latent, 2, "--seeds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"accuracy.py", "--quick", "--limit=1100", "--models=reconstruction",
				"--out=" + dir + "/out", "--latent=" + c.latent}
			if len(c.flags) > 0 && c.flags[0] == "-S" { // Python without its packages
				args = append(c.flags, args...)
			} else {
				args = append(args, c.flags...)
			}
			cmd := exec.Command(python, args...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code ||
				!strings.Contains(string(out), c.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.want, out)
			}
		})
	}
	for _, name := range []string{"accuracy.csv", "accuracy.md"} {
		b, err := os.ReadFile(filepath.Join(dir, "out", name))
		if err != nil || !strings.Contains(string(b), "loss, step 2") {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
	}
}

// PyTorch's accuracies by epoch are those of a run folder's accuracy.csv, to the rounding of
// two epochs, and the script names the same columns.
func TestEpochs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PyTorch")
	}
	python := pythonWithTorch(t)
	datasettest.Open(t, "mnist")
	data := datasettest.Dir(t)
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "run"), filepath.Join(dir, "epochs.csv")
	for _, command := range [][]string{
		{"go", "run", "latent/cmd/latent", "train", "--out", ours, "--contrastive", "notebook"},
		{python, "epochs.py", "--out", theirs, "--model", "contrastive"},
	} {
		command = append(command, "--epochs", "2", "--limit", "4096", "--data", data)
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	a, b := table(t, filepath.Join(ours, "accuracy.csv")), table(t, theirs)
	if len(a) != 3 || len(b) != 3 {
		t.Fatalf("%d and %d lines, want the header and two epochs", len(a), len(b))
	}
	for i, name := range a[0] {
		if b[0][i] != name {
			t.Fatalf("column %d: %s, PyTorch's %s", i, name, b[0][i])
		}
		for epoch := 1; epoch < len(a); epoch++ {
			x, ourErr := strconv.ParseFloat(a[epoch][i], 64)
			y, theirErr := strconv.ParseFloat(b[epoch][i], 64)
			if err := errors.Join(ourErr, theirErr); err != nil || !(math.Abs(x-y) <= 2e-3) {
				t.Errorf("epoch %d, %s: %g, PyTorch's %g, %v", epoch, name, x, y, err)
			}
		}
	}
}

// table is a CSV file.
func table(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
