//go:build linux && cgo

package autoenc

import (
	"context"
	"testing"

	"latent/torch"
)

// watched is a model that remembers its latest latents.
type watched struct {
	*AutoEncoder
	t       *testing.T
	batches int
	latest  *torch.Tensor
}

func (w *watched) Encode(x *torch.Tensor) *torch.Tensor {
	if w.latest != nil && torch.Do(func(*torch.Scope) { w.latest.Len() }) == nil {
		w.t.Errorf("batch %d: the latents of the batch before are still in memory", w.batches)
	}
	w.batches++
	w.latest = w.AutoEncoder.Encode(x)
	return w.latest
}

// However many rows there are, one batch of them is in memory at a time.
func TestEvaluationFreesEveryBatch(t *testing.T) {
	m, err := New(12, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := FromFloats(make([]float32, 12*3*evaluationBatch), 3*evaluationBatch)
	for name, evaluate := range map[string]func(Model) error{
		"Encode": func(m Model) error {
			_,
				err := Encode(context.Background(), m, x)
			return err
		},
		"Reconstruct": func(m Model) error {
			_,
				err := Reconstruct(context.Background(), m, x)
			return err
		},
		"Evaluate": func(m Model) error {
			_,
				err := Evaluate(context.Background(), m, x)
			return err
		},
	} {
		w := &watched{AutoEncoder: m, t: t}
		if err := evaluate(w); err != nil || w.batches != 3 {
			t.Errorf("%s: %d batches, want 3: %v", name, w.batches, err)
		}
	}
}
