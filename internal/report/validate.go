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
					return fmt.Errorf("report: Accuracy[%d] (%s): %v is not a fraction in [0, 1]",
						i, a.Space, v)
				}
			}
		}
	}
	for i, s := range r.Scores {
		for _, v := range []float64{s.Train, s.Test} {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("report: Scores[%d] (%s, %s): %v is not a fraction in [0, 1]", i,
					s.Classifier, s.Space, v)
			}
		}
	}
	for i, m := range r.MSE {
		if !nonNegative(m.Train) || !nonNegative(m.Test) {
			return fmt.Errorf("report: MSE[%d] (%s): %v, %v: want finite values, 0 or more", i,
				m.Model, m.Train, m.Test)
		}
	}
	for i, t := range r.Seconds {
		if !nonNegative(t.Seconds) {
			return fmt.Errorf("report: Seconds[%d] (%s): %v: want a finite value, 0 or more", i,
				t.Stage, t.Seconds)
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
			return fmt.Errorf("step %d follows step %d; steps must increase", l.Step,
				losses[i-1].Step)
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
