//go:build linux && cgo

package torch

import (
	"math"
	"strings"
	"testing"
)

// at::_fused_adam_ with its count of steps in a tensor is Step, and changes nothing
// where it is told to. libtorch 2.4 and later have it on the CPU too.
func TestFusedAdamIsAdam(t *testing.T) {
	err := Do(func(s *Scope) {
		const n = 100
		var sides [2][]float32
		for side := range sides {
			w := s.Float32s(make([]float32, n), n).RequiresGrad(true)
			target := s.Float32s(ramp(n), n)
			a, err := NewAdam([]Parameter{{Name: "w", Tensor: w}}, 1e-2, 1e-2)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if side == 1 {
				a.count = s.Keep(s.Float32s([]float32{0}, 1))
			}
			for step := range 12 {
				a.ZeroGrad()
				loss := MSELoss(w, target)
				if step%6 == 5 {
					loss = loss.Scale(math.NaN(), 0)
				}
				loss.Backward()
				skip := s.Float32s([]float32{0}, 1)
				NoteNotFinite(skip, loss)
				if side == 1 || step%2 == 1 {
					a.StepUnless(skip)
				} else {
					a.Step()
				}
			}
			if side == 1 && a.count.Item() != 10 {
				t.Errorf("%v steps counted, want 10", a.count.Item())
			}
			sides[side] = w.Float32s()
		}
		for i := range sides[0] {
			if d := math.Abs(float64(sides[0][i] - sides[1][i])); !(d <= 1e-6) {
				t.Fatalf("element %d: Step gives %v, fused %v", i, sides[0][i], sides[1][i])
			}
		}
	})
	if err != nil && strings.Contains(err.Error(), "_fused_adam_") {
		t.Skip("this libtorch has the fused Adam on CUDA only")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A flag is set by the first NaN or infinity, and stays.
func TestNoteNotFinite(t *testing.T) {
	inf := float32(math.Inf(1))
	err := Do(func(s *Scope) {
		flag := s.Float32s([]float32{0}, 1)
		for _, c := range []struct {
			value []float32
			want  float64
		}{{[]float32{1, -2}, 0}, {[]float32{1, -inf}, 1}, {[]float32{1}, 1}} {
			NoteNotFinite(flag, s.Float32s(c.value, len(c.value)))
			if got := flag.Item(); got != c.want {
				t.Errorf("%v: flag %v, want %v", c.value, got, c.want)
			}
		}
		NoteNotFinite(s.Float32s([]float32{0}, 1), s.Float32s([]float32{1}, 1).Sum())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i-n/2) / float32(n)
	}
	return x
}

// RowAt and Note find their place in a tensor.
func TestRowAtAndNote(t *testing.T) {
	err := Do(func(s *Scope) {
		rows := From(s, "cpu", []int64{1, 2, 3, 4, 5, 6}, 2, 3)
		counter := From(s, "cpu", []int64{0}, 1)
		list := s.Float32s(make([]float32, 2), 2)
		for i := range 2 {
			row := make([]int64, 2)
			CopyTo(row, RowAt(s, rows, counter, 2))
			if want := int64(3*i + 1); row[0] != want || row[1] != want+1 {
				t.Errorf("row %d: %v", i, row)
			}
			Note(list, counter, s.Float32s([]float32{float32(i) + 7}, 1).Sum())
		}
		if got := list.Float32s(); got[0] != 7 || got[1] != 8 || counter.Item() != 2 {
			t.Errorf("list %v, counter %v", got, counter.Item())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Behind the last row.
	err = Do(func(s *Scope) {
		RowAt(s, From(s, "cpu", []int64{1}, 1, 1), From(s, "cpu", []int64{1}, 1), 1)
	})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("row 1 of 1: %v", err)
	}
}

// A stream of a device that is not there is an error.
func TestStreamWithoutCUDA(t *testing.T) {
	i, err := GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	if i.CUDA {
		t.Skip("there is a CUDA device")
	}
	st, err := NewStream("cuda")
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	t.Log(err)
	st.Close()
}
