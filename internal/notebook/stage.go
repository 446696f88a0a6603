package notebook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"latent/internal/atomicfile"
	"latent/internal/run"
)

// stagesDir holds a small file for each finished stage.
const stagesDir = ".stages"

// stageForm is part of every fingerprint: raise it when stages write other
// results from the same options.
const stageForm = 1

// stage is a part of the notebook that is done or not.
type stage struct {
	name    string   // "train reconstruction"
	options any      // all that its results depend on beside its inputs
	inputs  []string // names of earlier stages
	outputs []string // files below the notebook's folder
	run     func(ctx context.Context, label string) (result any, err error)
}

// record is what a finished stage leaves in stagesDir. It is written after the
// outputs and removed before the stage is done again.
type record struct {
	Fingerprint string            `json:"fingerprint"`
	Options     json.RawMessage   `json:"options"`
	Inputs      map[string]string `json:"inputs"`  // fingerprints
	Outputs     map[string]int64  `json:"outputs"` // sizes in bytes
	Seconds     float64           `json:"seconds"`
	Result      json.RawMessage   `json:"result"`
}

func recordPath(dir, name string) string {
	file := []byte(name + ".json")
	for i, c := range file {
		if c == ' ' {
			file[i] = '-'
		}
	}
	return filepath.Join(dir, stagesDir, string(file))
}

// expected is the record that a stage will have, from those of its inputs.
func (s stage) expected(records map[string]*record) (*record, error) {
	options, err := json.Marshal(s.options)
	if err != nil {
		return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
	}
	r := &record{Options: options, Inputs: map[string]string{}}
	for _, input := range s.inputs {
		r.Inputs[input] = records[input].Fingerprint
	}
	text, err := json.Marshal([]any{stageForm, s.name, r.Options, r.Inputs}) // maps are sorted
	if err != nil {
		return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
	}
	r.Fingerprint = sum(text)
	return r, nil
}

// check compares a stage's record with the expected one. It returns the record
// where the stage is finished, else why it is not: "" where it never was.
func (s stage) check(dir string, want *record) (have *record, why string) {
	b, err := os.ReadFile(recordPath(dir, s.name))
	if err != nil {
		return nil, ""
	}
	have = new(record)
	if json.Unmarshal(b, have) != nil {
		return nil, "its record is damaged"
	}
	if have.Fingerprint != want.Fingerprint {
		if err := run.Compare(have.Options, want.Options); err != nil {
			return nil, err.Error()
		}
		for _, input := range s.inputs {
			if have.Inputs[input] != want.Inputs[input] {
				return nil, "it depends on " + input
			}
		}
		return nil, "it was made by another version of latent"
	}
	for _, name := range s.outputs {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, name + " is missing"
		}
		if err != nil || info.Size() != have.Outputs[name] {
			return nil, name + " was changed"
		}
	}
	return have, ""
}

// do runs a stage and writes its record.
func (s stage) do(ctx context.Context, dir, label string, want *record) (*record, error) {
	path := recordPath(dir, s.name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
	}
	began := time.Now()
	result, err := s.run(ctx, label)
	if err != nil {
		return nil, err
	}
	want.Seconds = time.Since(began).Seconds()
	if want.Result, err = json.Marshal(result); err != nil {
		return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
	}
	want.Outputs = map[string]int64{}
	for _, name := range s.outputs {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
		}
		want.Outputs[name] = info.Size()
	}
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("notebook: %s: %w", s.name, err)
	}
	return want, atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

func sum(b []byte) string {
	hash := sha256.Sum256(b)
	return hex.EncodeToString(hash[:])
}
