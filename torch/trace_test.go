//go:build linux && cgo

package torch

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// onHost finds what may not be in a step that a GPU records: an operator that gives the
// CPU a number or waits for one, and a move to another device, which on the CPU is a
// conversion that converts nothing.
func onHost(names []string) (found []string) {
	for i, name := range names {
		switch {
		case slices.Contains([]string{"aten::item", "aten::_local_scalar_dense",
			"aten::is_nonzero", "aten::nonzero",
			"aten::equal", "aten::masked_select", "aten::_unique2"}, name),
			name == "aten::to" && (i+1 == len(names) || names[i+1] != "aten::_to_copy"):
			found = append(found, name)
		}
	}
	return found
}

// What would wait for a GPU is seen.
func TestOperatorsFindsReads(t *testing.T) {
	for name, f := range map[string]func(s *Scope, x *Tensor){
		"aten::item": func(s *Scope, x *Tensor) { x.Item() },
		"aten::to":   func(s *Scope, x *Tensor) { x.Add(s.Float32s([]float32{1}, 1)) },
	} {
		names, err := Operators(func() error {
			return Do(func(s *Scope) { f(s, s.Float32s([]float32{1}, 1)) })
		})
		if err != nil || !slices.Contains(onHost(names), name) {
			t.Errorf("%s is not in %v (%v)", name, names, err)
		}
	}
}

// The fused Adam waits for nothing. libtorch 2.4 and later have it on the CPU.
func TestFusedAdamReadsNothing(t *testing.T) {
	err := Do(func(s *Scope) {
		w := s.Float32s(ramp(4), 4).RequiresGrad(true)
		a, err := NewAdam([]Parameter{{Name: "w", Tensor: w}}, 1e-2, 1e-2)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		a.count = s.Keep(s.Float32s([]float32{0}, 1))
		w.Sum().Backward()
		skip := s.Float32s([]float32{0}, 1)
		names, err := Operators(func() error { return Do(func(*Scope) { a.StepUnless(skip) }) })
		if err != nil {
			panic(err)
		}
		before, after, ran := cutAt(names, "aten::_fused_adam_")
		// The CPU's kernel of it reads the count of steps, once a parameter; CUDA's takes its
		// address.
		for len(after) > 1 && after[0] == "aten::item" && after[1] == "aten::_local_scalar_dense" {
			after = after[2:]
		}
		if found := append(onHost(before), onHost(after)...); len(found) > 0 || !ran {
			t.Errorf("%v in %v", found, names)
		}
	})
	if err != nil && strings.Contains(err.Error(), "_fused_adam_") {
		t.Skip("this libtorch has the fused Adam on CUDA only")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cutAt returns what is before and behind the first of names that is name.
func cutAt(names []string, name string) (before, after []string, found bool) {
	i := slices.Index(names, name)
	if i < 0 {
		return names, nil, false
	}
	return names[:i], names[i+1:], true
}

// The pixels of other devices are byte / 255 to the bit, as the CPU's.
func TestPixelsByTable(t *testing.T) {
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	var pixels []float32
	_, err := Operators(func() error {
		return Do(func(s *Scope) {
			index := From(s, "cpu", []int64{1, 0}, 2)
			pixels = From(s, "cpu", bytes, 2, 128).Pixels(index).Float32s()
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	reciprocal := 0
	for i, got := range pixels {
		b := float32(bytes[(i+128)%256])
		if want := b / 255; math.Float32bits(got) != math.Float32bits(want) {
			t.Errorf("byte %v: %v, want %v", b, got, want)
		}
		if b*(float32(1)/255) != b/255 {
			reciprocal++
		}
	}
	t.Logf("a product with the reciprocal differs for %d of 256 bytes", reciprocal)
}

// Forward and backward of the layers on tensors without data, where any read by the
// CPU is an error.
func TestLayersOnMeta(t *testing.T) {
	err := Do(func(s *Scope) {
		meta := func(shape ...int) *Tensor {
			n := 1
			for _, d := range shape {
				n *= d
			}
			return From(s, "meta", make([]float32, n), shape...)
		}
		x, flag := meta(8, 6), meta(1)
		w, b, w2, b2 := meta(5, 6).RequiresGrad(true), meta(5).RequiresGrad(true),
			meta(6, 5).RequiresGrad(true), meta(6).RequiresGrad(true)
		y := linear(linear(x, w, b, true, false), w2, b2, false, false)
		loss := y.Mul(y).Mean()
		loss.Backward()
		NoteNotFinite(flag, loss)
		for i, p := range []*Tensor{w, b, w2, b2} {
			if g := p.Grad(s); g == nil || !slices.Equal(g.Shape(), p.Shape()) ||
				g.Device() != "meta" {
				t.Errorf("parameter %d has no gradient of its shape on meta", i)
			}
		}
		if got := MSELoss(y, x).Device(); got != "meta" {
			t.Errorf("the loss is on %s", got)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	err = Do(func(s *Scope) { From(s, "meta", []float32{1}, 1).Item() })
	if err == nil {
		t.Error("a tensor without data was read")
	}
}
