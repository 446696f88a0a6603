//go:build linux && cgo

package contrastive

import (
	"slices"
	"testing"

	"latent/torch"
)

// A loss and its gradient ask a GPU for no number: the step reads its losses once.
func TestLossesReadNothing(t *testing.T) {
	labels := make([]int, 20)
	for i := range labels {
		labels[i] = i % 10
	}
	for _, name := range []string{"notebook", "nt-xent", "supcon", "supcon augmented",
		"supcon cosine"} {
		m := newModel(t, 0)
		do(t, func(s *torch.Scope) {
			x := s.Uniform(s.Float32s(nil, 0), 0, 1, len(labels), 784)
			b := batchOf(s, m, x, labels)
			names, err := torch.Operators(func() error {
				return torch.Do(func(*torch.Scope) { lossOf(name).Loss(b).Backward() })
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, read := range []string{"aten::item", "aten::_local_scalar_dense",
				"aten::nonzero", "aten::is_nonzero"} {
				if slices.Contains(names, read) {
					t.Errorf("%s: %s among %v", name, read, names)
				}
			}
			if len(names) == 0 {
				t.Errorf("%s runs nothing", name)
			}
		})
	}
}
