package report

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"

	"latent/autoenc"
	"latent/internal/run"
)

// Validate reports the first thing in r that cannot be shown.
func (r Report) Validate() error {
	if r.Title == "" {
		return errors.New("report: Title is empty")
	}
	for i, a := range r.Accuracy {
		scores := []run.Splits{a.Euclidean}
		if a.Cosine != nil {
			scores = append(scores, *a.Cosine)
		}
		for _, s := range scores {
			for _, v := range []float64{s.Train, s.Test} {
				if !(v >= 0 && v <= 1) {
					return fmt.Errorf("report: Accuracy[%d] (%s): %v is not a fraction in [0, 1]", i, a.Space, v)
				}
			}
		}
	}
	for i, m := range r.MSE {
		if !nonNegative(m.Train) || !nonNegative(m.Test) {
			return fmt.Errorf("report: MSE[%d] (%s): %v, %v: want finite values, 0 or more", i, m.Model, m.Train, m.Test)
		}
	}
	for i, t := range r.Seconds {
		if !nonNegative(t.Seconds) {
			return fmt.Errorf("report: Seconds[%d] (%s): %v: want a finite value, 0 or more", i, t.Stage, t.Seconds)
		}
	}
	for i, s := range r.Losses {
		if err := checkLosses(s.Losses); err != nil {
			return fmt.Errorf("report: Losses[%d] (%s): %w", i, s.Model, err)
		}
	}
	for i, f := range r.Figures {
		if err := f.validate(); err != nil {
			return fmt.Errorf("report: Figures[%d] (%s): %w", i, f.Caption, err)
		}
	}
	if r.Explorer != nil {
		if err := r.Explorer.validate(); err != nil {
			return fmt.Errorf("report: Explorer: %w", err)
		}
	}
	return nil
}

func nonNegative(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }

func checkLosses(losses []autoenc.Loss) error {
	for i, l := range losses {
		if v := float64(l.Loss); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("loss of step %d is %v", l.Step, v)
		}
		if i > 0 && l.Step <= losses[i-1].Step {
			return fmt.Errorf("step %d follows step %d; steps must increase", l.Step, losses[i-1].Step)
		}
	}
	return nil
}

func (f Figure) validate() error {
	if f.Alt == "" {
		return errors.New("no Alt text; say what the picture shows")
	}
	switch f.mediaType() {
	case "image/png":
		if _, err := png.DecodeConfig(bytes.NewReader(f.Data)); err != nil {
			return err
		}
	case "":
		return fmt.Errorf("data (%d bytes) is neither PNG nor SVG", len(f.Data))
	}
	return nil
}

// mediaType is image/png, image/svg+xml, or empty for anything else.
func (f Figure) mediaType() string {
	if bytes.HasPrefix(f.Data, []byte("\x89PNG\r\n\x1a\n")) {
		return "image/png"
	}
	head := bytes.TrimSpace(f.Data[:min(len(f.Data), 1024)])
	if bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<svg")) {
		return "image/svg+xml"
	}
	return ""
}

func (e *Explorer) validate() error {
	if e.N < 1 {
		return fmt.Errorf("field N is %d, want at least 1", e.N)
	}
	if len(e.Spaces) < 1 || len(e.Spaces) > 3 {
		return fmt.Errorf("%d spaces, want 1 to 3", len(e.Spaces))
	}
	if len(e.Classes) < 1 || len(e.Classes) > 256 {
		return fmt.Errorf("%d classes, want 1 to 256", len(e.Classes))
	}
	if e.Stride < 0 {
		return fmt.Errorf("field Stride is %d, want 0 or more", e.Stride)
	}
	if want := e.N * ImageSide * ImageSide; len(e.Images) != want {
		return fmt.Errorf("field Images has %d bytes, want %d (%d x 28 x 28)", len(e.Images), want, e.N)
	}
	if err := e.checkClasses("Labels", e.Labels); err != nil {
		return err
	}
	for i, s := range e.Spaces {
		at := fmt.Sprintf("Spaces[%d] (%s)", i, s.Name)
		if len(s.Embedding) != 2*e.N {
			return fmt.Errorf("%s: Embedding has %d values, want %d (%d x 2)", at, len(s.Embedding), 2*e.N, e.N)
		}
		for j, v := range s.Embedding {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%s: Embedding of point %d holds %v", at, j/2, v)
			}
		}
		if !nonNegative(s.KL) {
			return fmt.Errorf("%s: KL is %v, want a finite value, 0 or more", at, s.KL)
		}
		if err := e.checkClasses(at+": Predicted", s.Predicted); err != nil {
			return err
		}
	}
	return nil
}

func (e *Explorer) checkClasses(name string, classes []int) error {
	if len(classes) != e.N {
		return fmt.Errorf("%s has %d entries, want %d", name, len(classes), e.N)
	}
	for i, c := range classes {
		if c < 0 || c >= len(e.Classes) {
			return fmt.Errorf("%s[%d] is %d, want 0 to %d", name, i, c, len(e.Classes)-1)
		}
	}
	return nil
}
