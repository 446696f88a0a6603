// Package stage does work that consists of stages and goes on where it stopped. A
// stage that is finished leaves a record; it is done again when its options, the
// stages that it takes as inputs, or its output files are not those of the record.
package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latent/internal/atomicfile"
	"latent/internal/run"
)

// Folder is where records are, below the folder of a Graph: one small file each.
const Folder = ".stages"

// form is part of every fingerprint: raise it when stages write other results from
// the same options.
const form = 1

// Graph are the stages of a folder, in the order in which they are done.
type Graph struct {
	dir    string
	report func(format string, args ...any)
	stages []node
}

// New returns a graph without stages for the folder dir, which exists. report is
// told why a stage is done again.
func New(dir string, report func(format string, args ...any)) (*Graph, error) {
	records := filepath.Join(dir, Folder)
	if err := os.MkdirAll(records, 0o777); err != nil {
		return nil, err
	}
	return &Graph{dir: dir, report: report}, atomicfile.RemoveStale(records)
}

// Spec describes a stage.
type Spec struct {
	Name    string   // "train reconstruction"
	Options any      // all that the result depends on beside the inputs, as JSON has it
	Inputs  []Input  // stages added earlier
	Outputs []string // files below the graph's folder
}

// Input is a stage on which another may depend: any Stage.
type Input interface{ state() *state }

// Work does a stage. label is how progress names it, and how far it is: [2/8] train
// reconstruction.
type Work[T any] func(ctx context.Context, label string) (T, error)

// Stage is a stage whose result is a T, which JSON reads back as it was.
type Stage[T any] struct {
	s      state
	work   Work[T]
	result T
}

// Add adds a stage behind those that are there.
func Add[T any](g *Graph, spec Spec, work Work[T]) *Stage[T] {
	s := &Stage[T]{s: state{Spec: spec}, work: work}
	g.stages = append(g.stages, s)
	return s
}

// Result is what the stage gave, now or in an earlier run; valid once it is finished.
func (s *Stage[T]) Result() T { return s.result }

// Seconds is how long it took, valid as Result is.
func (s *Stage[T]) Seconds() float64 { return s.s.record.Seconds }

func (s *Stage[T]) state() *state { return &s.s }

func (s *Stage[T]) run(ctx context.Context, label string) (json.RawMessage, error) {
	var err error
	if s.result, err = s.work(ctx, label); err != nil {
		return nil, err
	}
	return json.Marshal(s.result)
}

func (s *Stage[T]) recall(result json.RawMessage) error {
	return json.Unmarshal(result, &s.result)
}

// node is a stage as the graph handles it, whatever its result is.
type node interface {
	Input
	run(ctx context.Context, label string) (json.RawMessage, error)
	recall(result json.RawMessage) error
}

// state is what all stages have.
type state struct {
	Spec
	record *record // nil until it is finished
}

// record is what a finished stage leaves in Folder. It is written after the outputs
// and removed before the stage is done again.
type record struct {
	Fingerprint string            `json:"fingerprint"`
	Options     json.RawMessage   `json:"options"`
	Inputs      map[string]string `json:"inputs"`  // fingerprints
	Outputs     map[string]int64  `json:"outputs"` // sizes in bytes
	Seconds     float64           `json:"seconds"`
	Result      json.RawMessage   `json:"result"`
}

// Run does the stages that are not finished, in order, and returns how many there
// were. Before the first of them prepare is called, which counts as a stage of that
// name, but leaves no record.
func (g *Graph) Run(
	ctx context.Context, name string, prepare func(ctx context.Context, label string) error,
) (done int, err error) {
	total := len(g.stages) + 1
	for i, n := range g.stages {
		s := n.state()
		want, err := s.expected()
		if err != nil {
			return done, err
		}
		why, finished := g.check(n, want)
		if finished {
			continue
		}
		if done == 0 {
			if err := prepare(ctx, label(1, total, name)); err != nil {
				return done, err
			}
		}
		done++
		label := label(i+2, total, s.Name)
		if why != "" {
			g.report("%s is not up to date: %s", label, why)
		}
		if err := g.do(ctx, n, label, want); err != nil {
			return done, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return done, nil
}

func label(i, total int, name string) string { return fmt.Sprintf("[%d/%d] %s", i, total, name) }

// Seconds lists how long each finished stage took, by name and in order.
func (g *Graph) Seconds() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, n := range g.stages {
			if s := n.state(); s.record != nil && !yield(s.Name, s.record.Seconds) {
				return
			}
		}
	}
}

func (g *Graph) recordPath(name string) string {
	return filepath.Join(g.dir, Folder, strings.ReplaceAll(name, " ", "-")+".json")
}

// expected is the record that a stage will have, from those of its inputs.
func (s *state) expected() (*record, error) {
	options, err := json.Marshal(s.Options)
	if err != nil {
		return nil, fmt.Errorf("stage: %s: %w", s.Name, err)
	}
	r := &record{Options: options, Inputs: map[string]string{}}
	for _, input := range s.Inputs {
		r.Inputs[input.state().Name] = input.state().record.Fingerprint
	}
	text, err := json.Marshal([]any{form, s.Name, r.Options, r.Inputs}) // maps are sorted
	if err != nil {
		return nil, fmt.Errorf("stage: %s: %w", s.Name, err)
	}
	sum := sha256.Sum256(text)
	r.Fingerprint = hex.EncodeToString(sum[:])
	return r, nil
}

// check compares a stage's record with the expected one, and takes its result where
// it is finished. Else it says why it is not: "" where it never was.
func (g *Graph) check(n node, want *record) (why string, finished bool) {
	s := n.state()
	b, err := os.ReadFile(g.recordPath(s.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	if err != nil {
		return fmt.Sprintf("its record cannot be read: %v", err), false
	}
	have := new(record)
	if json.Unmarshal(b, have) != nil {
		return "its record is damaged", false
	}
	if have.Fingerprint != want.Fingerprint {
		if err := run.Compare(have.Options, want.Options); err != nil {
			return err.Error(), false
		}
		for _, input := range s.Inputs {
			if name := input.state().Name; have.Inputs[name] != want.Inputs[name] {
				return "it depends on " + name, false
			}
		}
		return "it was made by another version of latent", false
	}
	for _, name := range s.Outputs {
		if _, recorded := have.Outputs[name]; !recorded {
			continue // of a later version: the work was whole when it was done
		}
		info, err := os.Stat(filepath.Join(g.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return name + " is missing", false
		}
		if err != nil || info.Size() != have.Outputs[name] {
			return name + " was changed", false
		}
	}
	if n.recall(have.Result) != nil {
		return "its record is damaged", false
	}
	s.record = have
	return "", true
}

// do runs a stage and completes and writes its record.
func (g *Graph) do(ctx context.Context, n node, label string, r *record) error {
	s := n.state()
	path := g.recordPath(s.Name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	began := time.Now()
	var err error
	if r.Result, err = n.run(ctx, label); err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	r.Outputs = map[string]int64{}
	for _, name := range s.Outputs {
		info, err := os.Stat(filepath.Join(g.dir, name))
		if err != nil {
			return err
		}
		r.Outputs[name] = info.Size()
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	s.record = r
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}
