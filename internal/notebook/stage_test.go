package notebook

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"latent/autoenc"
	"latent/internal/progress"
	"latent/internal/run"
)

// stageOf writes its text into NAME.txt.
func stageOf(dir, name, text string, inputs ...string) stage {
	return stage{name: name, options: map[string]any{"text": text, "shade": "red"}, inputs: inputs, outputs: []string{name + ".txt"},
		run: func(context.Context, string) (any, error) {
			return text, os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o644)
		}}
}

func TestStageKnowsWhetherItIsFinished(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, stagesDir), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(stages ...stage) (done []string) {
		t.Helper()
		records := map[string]*record{}
		for _, s := range stages {
			want, err := s.expected(records)
			if err != nil {
				t.Fatal(err)
			}
			have, why := s.check(dir, want)
			if have == nil {
				done = append(done, s.name+": "+why)
				if have, err = s.do(context.Background(), dir, "", want); err != nil {
					t.Fatal(err)
				}
			}
			records[s.name] = have
		}
		return done
	}
	expect := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("done %q, want %q", got, want)
		}
	}
	a, b, c := stageOf(dir, "a", "one"), stageOf(dir, "b", "two", "a"), stageOf(dir, "c d", "three")
	expect(run(a, b, c), "a: ", "b: ", "c d: ")
	expect(run(a, b, c))

	other := stageOf(dir, "a", "six") // as long as before: only the record can tell
	expect(run(other, b, c), `a: text is "one" in the run folder, but "six" was asked for`, "b: it depends on a")
	expect(run(a, b, c), `a: text is "six" in the run folder, but "one" was asked for`, "b: it depends on a")

	if err := os.Remove(filepath.Join(dir, "c d.txt")); err != nil {
		t.Fatal(err)
	}
	expect(run(a, b, c), "c d: c d.txt is missing")
	if err := os.WriteFile(filepath.Join(dir, "b.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(run(a, b, c), "b: b.txt was changed")
	if err := os.WriteFile(recordPath(dir, "c d"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(run(a, b, c), "c d: its record is damaged")

	// A stage that ends in the middle, its outputs half replaced, is not
	// finished, whatever options it is asked for next.
	broken := other
	broken.run = func(context.Context, string) (any, error) {
		if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("six"), 0o644); err != nil {
			t.Error(err)
		}
		return nil, errors.New("killed")
	}
	want, err := broken.expected(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.do(context.Background(), dir, "", want); err == nil {
		t.Fatal("no error")
	}
	expect(run(a, b, c), "a: ")
	if text, _ := os.ReadFile(filepath.Join(dir, "a.txt")); string(text) != "one" {
		t.Errorf("a.txt holds %q", text)
	}
}

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
			if err := l.Append(autoenc.Loss{Step: i + 1, Epoch: i + 1, Loss: 1, Reconstruction: 1}); err != nil {
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
	b := &book{report: silent{}}
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
		resume, err := b.choose(path, c, "train")
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
			if resume, err := b.choose(path, with(20, rate), "train"); err != nil || !resume {
				t.Fatalf("%s was aside: run of rate %g is gone: %v", moved, rate, err)
			}
		}
	}
	begin(with(20, 3), 0) // saved before its first step
	if resume, err := b.choose(path, with(20, 3), "train"); !resume || err != nil {
		t.Errorf("a run without a step is not gone on with: %v, %v", resume, err)
	}
	if err := os.WriteFile(filepath.Join(path, run.ConfigFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := b.choose(path, with(20, 3), "train"); err == nil {
		t.Error("a damaged config is no error")
	}
}

type silent struct{}

func (silent) Update(progress.Status) {}
func (silent) Printf(string, ...any)  {}
