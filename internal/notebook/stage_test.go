package notebook

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"latent/internal/matrix"
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

func TestEvery(t *testing.T) {
	m := matrix.Matrix{Rows: 7, Cols: 2, Data: []float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}}
	for k, want := range map[int][]float32{1: m.Data, 3: {0, 0, 3, 3, 6, 6}, 4: {0, 0, 4, 4}, 7: {0, 0}, 9: {0, 0}} {
		if got := Every(m, k); !slices.Equal(got.Data, want) || got.Rows != len(want)/2 {
			t.Errorf("every %d: %v", k, got)
		}
	}
	if got := every([]int{5, 0, 4, 1}, 3); !slices.Equal(got, []int{5, 1}) {
		t.Errorf("every third label: %v", got)
	}
}

func TestSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for _, content := range []string{"first", "second"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		kept, err := setAside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(kept, "f")); err != nil || string(got) != content {
			t.Errorf("kept %q, %v", got, err)
		}
	}
}
