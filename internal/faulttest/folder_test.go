//go:build linux && cgo

package faulttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latent/internal/matrix"
	"latent/internal/run"
	"latent/torch/pt"
)

// hashes are the checksums of the files below dir, by their names. Locks and
// temporary files, whose names begin with a dot, are left out.
func hashes(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == ".stages" { // what is finished, no result
			return fs.SkipDir
		}
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[name] = sha256.Sum256(read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged checks that the files below dir are those that there were.
func unchanged(t *testing.T, what, dir string, before map[string][32]byte) {
	t.Helper()
	after := hashes(t, dir)
	delete(after, "status.json") // why the last attempt failed, no result
	if !maps.Equal(before, after) {
		t.Errorf("%s: earlier results changed: had %v, have %v", what,
			slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}

// either checks that each file is as in one of the two states, where it may also be
// missing if it was missing before.
func either(t *testing.T, what, dir string, before, after map[string][32]byte) {
	t.Helper()
	now := hashes(t, dir)
	for name, hash := range now {
		if was, ok := before[name]; hash != after[name] && (!ok || hash != was) {
			t.Errorf("%s: %s is neither the old nor the new one", what, name)
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			t.Errorf("%s: %s is gone", what, name)
		}
	}
}

// whole checks that every file below dir reads from its beginning to its end.
func whole(t *testing.T, what, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			if e.Name() != ".lock" && !strings.ContainsAny(e.Name(), "0123456789") {
				t.Errorf("%s: a file %s", what, path)
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".json":
			err = json.Unmarshal(read(t, path), new(map[string]any))
		case ".csv":
			_, err = run.ReadLosses(filepath.Dir(path))
		case ".pt":
			_, err = pt.ReadFile(path)
		case ".npy":
			if e.Name() == "labels.npy" {
				_, err = matrix.ReadLabels(path)
			} else {
				_, err = matrix.ReadFile(path)
			}
		case ".png":
			checkEnd(t, path, "IEND\xaeB`\x82")
		case ".svg":
			checkEnd(t, path, "</svg>")
		case ".html":
			checkEnd(t, path, "</html>")
		default:
			t.Errorf("%s: a file %s", what, path)
		}
		if err != nil {
			t.Errorf("%s: %s is not whole: %v", what, path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkEnd(t *testing.T, path, end string) {
	t.Helper()
	if !bytes.HasSuffix(bytes.TrimSpace(read(t, path)), []byte(end)) {
		t.Errorf("%s is not whole", path)
	}
}

// same checks that files of two folders are equal byte by byte.
func same(t *testing.T, what, a, b string, names ...string) {
	t.Helper()
	for _, name := range names {
		if !bytes.Equal(read(t, filepath.Join(a, name)), read(t, filepath.Join(b, name))) {
			t.Errorf("%s: %s differs from the unbroken run's", what, name)
		}
	}
}

// numbers are a metrics.json without times.
func numbers(t *testing.T, dir string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(read(t, filepath.Join(dir, "metrics.json")), &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "seconds")
	if spaces, ok := m["tsne"].(map[string]any); ok {
		for _, v := range spaces {
			delete(v.(map[string]any), "seconds")
		}
	}
	return m
}

// sameRun compares a run folder with an unbroken run's.
func sameRun(t *testing.T, what, dir, unbroken string) {
	t.Helper()
	same(t, what, dir, unbroken, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt",
		"config.json", "loss.png", "loss.svg")
	sameNumbers(t, what, dir, unbroken)
}

func sameNumbers(t *testing.T, what, dir, unbroken string) {
	t.Helper()
	if a, b := numbers(t, dir), numbers(t, unbroken); !reflect.DeepEqual(a, b) {
		t.Errorf("%s: metrics are\n%v\nunbroken\n%v", what, a, b)
	}
}

// sameNotebook compares a notebook's folder with an unbroken one's.
func sameNotebook(t *testing.T, what, dir, unbroken string) {
	t.Helper()
	for _, model := range []string{"reconstruction", "contrastive"} {
		sameRun(t, what, filepath.Join(dir, model), filepath.Join(unbroken, model))
	}
	names := []string{"tsne/labels.npy"}
	for name := range hashes(t, unbroken) {
		if d := filepath.Dir(name); d == "tsne" || d == "figures" {
			names = append(names, name)
		}
	}
	same(t, what, dir, unbroken, names...)
	sameNumbers(t, what, dir, unbroken)
}

// copyOf is a copy of a folder.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(folder(t), "run")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
