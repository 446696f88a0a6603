//go:build linux && cgo

package train

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"latent/autoenc"
	"latent/internal/progress"
	"latent/internal/run"
)

// A run is gone on with, set aside and taken back as its options are asked for.
func TestChoose(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "reconstruction")
	begin := func(c Config, epochs int) {
		t.Helper()
		f, err := run.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l, err := f.Losses(0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range epochs {
			if err := l.Append(autoenc.Loss{Step: i + 1, Epoch: i + 1, Loss: 1,
				Reconstruction: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(l.Save(), f.WriteConfig(c)); err != nil {
			t.Fatal(err)
		}
	}
	with := func(epochs int, rate float64) Config {
		c := DefaultConfig()
		c.Epochs, c.LearningRate = epochs, rate
		return c
	}
	for _, s := range []struct {
		epochs int
		rate   float64
		resume bool
		at     int // epochs done in the folder that is chosen
	}{
		{20, 1, false, 0},
		{20, 1, true, 20},   // the same
		{500, 1, true, 20},  // further
		{20, 1, false, 0},   // fewer than are done: from the start
		{500, 1, true, 500}, // the longer run is taken back
		{20, 2, false, 0},   // another option; the run of 20 before is let go
		{20, 3, false, 0},
		{20, 2, true, 20},
		{20, 3, true, 20},
	} {
		c := with(s.epochs, s.rate)
		resume, err := Choose(path, c, nil, "train", silent{})
		if err != nil || resume != s.resume {
			t.Fatalf("%v: goes on %v, %v", s, resume, err)
		}
		if resume {
			if rows, err := run.ReadLosses(path); err != nil || len(rows) != s.at {
				t.Fatalf("%v: %d rows, %v", s, len(rows), err)
			}
		}
		begin(c, s.epochs)
	}
	// A swap that was killed, after its first rename and after its second, loses nothing.
	begin(with(20, 3), 20)
	for _, moved := range []string{path, path + ".previous"} {
		if err := os.Rename(moved, aside(path)); err != nil {
			t.Fatal(err)
		}
		for _, rate := range []float64{2, 3} {
			if resume, err := Choose(path, with(20, rate), nil, "train", silent{}); err != nil ||
				!resume {
				t.Fatalf("%s was aside: run of rate %g is gone: %v", moved, rate, err)
			}
		}
	}
	begin(with(20, 3), 0) // saved before its first step
	if resume, err := Choose(path, with(20, 3), nil, "train", silent{}); !resume || err != nil {
		t.Errorf("a run without a step is not gone on with: %v, %v", resume, err)
	}
	if err := os.WriteFile(filepath.Join(path, run.ConfigFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Choose(path, with(20, 3), nil, "train", silent{}); err == nil {
		t.Error("a damaged config is no error")
	}
}

type silent struct{}

func (silent) Update(progress.Status) {}
func (silent) Printf(string, ...any)  {}
