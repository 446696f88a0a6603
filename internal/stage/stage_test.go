package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

type options struct {
	Shade string `json:"shade"`
	Text  string `json:"text"`
}

// part is a stage that writes its text into NAME.txt and has it as its result.
type part struct {
	name, text string
	inputs     []int // earlier parts
	err        error // ends it when the file is written
}

// runParts does what is not finished of the parts in dir and returns what was done, and
// why.
func runParts(t *testing.T, dir string, parts ...part) (said []string, err error) {
	t.Helper()
	g, err := New(dir,
		func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	var stages []*Stage[string]
	done := 0
	for _, p := range parts {
		spec := Spec{Name: p.name, Options: options{"red", p.text},
			Outputs: []string{p.name + ".txt"}}
		for _, i := range p.inputs {
			spec.Inputs = append(spec.Inputs, stages[i])
		}
		stages = append(stages,
			Add(g, spec, func(_ context.Context, label string) (string, error) {
				done++
				said = append(said, label)
				return p.text,
					errors.Join(os.WriteFile(filepath.Join(dir, p.name+".txt"), []byte(p.text),
						0o644), p.err)
			}))
	}
	prepared := 0
	n, err := g.Run(context.Background(), "start",
		func(context.Context, string) error { prepared++; return nil })
	if n != done || prepared != min(done, 1) {
		t.Errorf("Run says %d stages, %d were done; prepared %d times", n, done, prepared)
	}
	if err == nil {
		names := 0
		for name, seconds := range g.Seconds() {
			if name != parts[names].name || seconds < 0 || seconds != stages[names].Seconds() {
				t.Errorf("stage %d is %s and took %v s", names, name, seconds)
			}
			names++
		}
		for i, s := range stages {
			if s.Result() != parts[i].text || names != len(parts) {
				t.Errorf("%s gives %q of %d stages", parts[i].name, s.Result(), names)
			}
		}
	}
	return said, err
}

func TestStageKnowsWhetherItIsFinished(t *testing.T) {
	dir := t.TempDir()
	expect := func(parts []part, want ...string) {
		t.Helper()
		said, err := runParts(t, dir, parts...)
		if err != nil || !slices.Equal(said, want) {
			t.Errorf("said %q, want %q; %v", said, want, err)
		}
	}
	a, b, c := part{name: "a", text: "one"}, part{name: "b", text: "two", inputs: []int{0}},
		part{name: "c d", text: "three"}
	all := []part{a, b, c}
	expect(all, "[2/4] a", "[3/4] b", "[4/4] c d")
	expect(all)

	other := a // as long as before: only the record can tell
	other.text = "six"
	expect([]part{other, b, c},
		`[2/4] a is not up to date: text is "one" in the run folder, but "six" was asked for`,
		"[2/4] a",
		"[3/4] b is not up to date: it depends on a", "[3/4] b")
	expect(all,
		`[2/4] a is not up to date: text is "six" in the run folder, but "one" was asked for`,
		"[2/4] a",
		"[3/4] b is not up to date: it depends on a", "[3/4] b")

	change := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "c d.txt")); err != nil {
		t.Fatal(err)
	}
	expect(all, "[4/4] c d is not up to date: c d.txt is missing", "[4/4] c d")
	change("b.txt", "")
	expect(all, "[3/4] b is not up to date: b.txt was changed", "[3/4] b")
	change(".stages/c-d.json", "{")
	expect(all, "[4/4] c d is not up to date: its record is damaged", "[4/4] c d")

	// A stage that ends in the middle, its outputs half replaced, is not
	// finished, whatever options it is asked for next.
	other.err = errors.New("killed")
	if _, err := runParts(t, dir, other, b, c); err == nil || err.Error() != "a: killed" {
		t.Fatalf("error %v", err)
	}
	expect(all, "[2/4] a")
	if text, _ := os.ReadFile(filepath.Join(dir, "a.txt")); string(text) != "one" {
		t.Errorf("a.txt holds %q", text)
	}
}

// Records of the program's first version are still those of the same stages.
func TestOldRecord(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		".stages/b.json": `{"fingerprint": "b8a97dd01d081657066b2d3916e49b4004f31275f08960c6f2680d01941cc817",
			"options": {"shade": "red", "text": "two"}, "inputs": {"a": "38e98581fee1f8c5e6d4206c62e97569dc676a2d067b33e49e31cfca2f0b4c46"},
			"outputs": {"b.txt": 3}, "seconds": 1.5, "result": "two"}`,
		".stages/a.json": `{"fingerprint": "38e98581fee1f8c5e6d4206c62e97569dc676a2d067b33e49e31cfca2f0b4c46",
			"options": {"shade": "red", "text": "one"}, "inputs": {}, "outputs": {"a.txt": 3}, "seconds": 0.5, "result": "one"}`,
		"a.txt": "one", "b.txt": "two",
	} {
		if err := os.MkdirAll(filepath.Join(dir, ".stages"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said, err := runParts(t, dir, part{name: "a", text: "one"},
		part{name: "b", text: "two", inputs: []int{0}})
	if err != nil || len(said) > 0 {
		t.Errorf("said %q, %v", said, err)
	}
}

// An output that a later version adds does not make finished work unfinished.
func TestNewOutput(t *testing.T) {
	dir := t.TempDir()
	for done, outputs := range [][]string{{"a.txt"}, {"a.txt", "new.txt"}} {
		g, err := New(dir, func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		Add(g, Spec{Name: "a", Options: options{}, Outputs: outputs},
			func(context.Context, string) (int, error) {
				return 1, os.WriteFile(filepath.Join(dir, "a.txt"), nil, 0o644)
			})
		n, err := g.Run(context.Background(), "start",
			func(context.Context, string) error { return nil })
		if err != nil || n != 1-done {
			t.Errorf("outputs %v: %d stages done, %v", outputs, n, err)
		}
	}
}
