//go:build linux && cgo

package torch

import (
	"math"
	"strings"
	"testing"
)

// Values and gradients are proved in package contrastive.
func TestSupConErrors(t *testing.T) {
	for _, c := range []struct {
		name, want string
		f          func(s *Scope)
	}{
		{"labels", "labels [3] do not fit rows [2, 2]", func(s *Scope) {
			SupCon(s.Float32s([]float32{1, 2, 3, 4}, 2, 2), From(s, "cpu", []int64{0, 1, 2}, 3), 1,
				true)
		}},
		{"one row", "at least two rows", func(s *Scope) {
			SupCon(s.Float32s([]float32{1, 2}, 1, 2), From(s, "cpu", []int64{0}, 1), 1, true)
		}},
		{"upsample", "upsample_bicubic2d",
			func(s *Scope) { s.Float32s([]float32{1, 2}, 1, 2).UpsampleBicubic(4, 4) }},
	} {
		if err := Do(c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// Without a positive pair the loss and its gradient are 0; NaN is not hidden.
func TestSupConEdges(t *testing.T) {
	do(t, func(s *Scope) {
		z := s.Float32s([]float32{1, 2, 3, 4}, 2, 2).RequiresGrad(true)
		loss := SupCon(z, From(s, "cpu", []int64{0, 1}, 2), 1, true)
		loss.Backward()
		if got := append(z.Grad(s).Float32s(),
			float32(loss.Item())); short(got) != short(make([]float32, 5)) {
			t.Errorf("gradient and loss without a pair: %v", got)
		}
		nan := s.Float32s([]float32{1, 2, float32(math.NaN()), 4}, 2, 2)
		if v := SupCon(nan, From(s, "cpu", []int64{0, 0}, 2), 1, true).Item(); !math.IsNaN(v) {
			t.Errorf("loss of NaN is %g", v)
		}
	})
}
