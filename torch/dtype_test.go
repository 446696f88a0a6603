//go:build linux && cgo

package torch

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"latent/torch/pt"
)

type (
	namedFloat  float32
	namedDouble float64
	namedInt    int64
	namedByte   uint8
	namedBool   bool
)

// inAndOut sends values through a tensor; their type is the tensor's.
func inAndOut[T Element](t *testing.T, dtype DType, data ...T) {
	t.Helper()
	do(t, func(s *Scope) {
		x := From(s, "cpu", data, len(data))
		if got := x.DType(); got != dtype {
			t.Errorf("%T became %v", data, got)
		}
		back := make([]T, len(data))
		CopyTo(back, x)
		if fmt.Sprint(back) != fmt.Sprint(data) {
			t.Errorf("%T %v came back as %v", data, data, back)
		}
		y := x.ZerosLike()
		CopyFrom(y, data)
		CopyTo(back, y)
		if fmt.Sprint(back) != fmt.Sprint(data) {
			t.Errorf("%T %v was copied in as %v", data, data, back)
		}
		// By way of a file's tensor nothing changes either.
		z := Import(s, x.Export())
		CopyTo(back, z)
		if fmt.Sprint(back) != fmt.Sprint(data) || z.DType() != dtype {
			t.Errorf("%T %v was exported as %v %v", data, data, z.DType(), back)
		}
	})
}

// Numbers go into a tensor of their own type, whatever Go calls it, and come out as they were. (A
// named float was once taken for bytes.)
func TestElementTypes(t *testing.T) {
	inAndOut(t, Float32Type, float32(1.5), -2, float32(math.Inf(1)), math.SmallestNonzeroFloat32)
	inAndOut(t, Float32Type, namedFloat(1.5), -2)
	inAndOut(t, Float64Type, 0.1, -1e300, math.NaN())
	inAndOut(t, Float64Type, namedDouble(0.1))
	inAndOut(t, Int64Type, int64(math.MinInt64), math.MaxInt64)
	inAndOut(t, Int64Type, int(math.MinInt64), 7)
	inAndOut(t, Int64Type, namedInt(-3))
	inAndOut(t, Int32Type, int32(math.MinInt32), math.MaxInt32)
	inAndOut(t, Int16Type, int16(math.MinInt16), 7)
	inAndOut(t, Int8Type, int8(math.MinInt8), 7)
	inAndOut(t, Uint8Type, uint8(0), 255)
	inAndOut(t, Uint8Type, namedByte(200))
	inAndOut(t, BoolType, true, false)
	inAndOut(t, BoolType, namedBool(true))
	inAndOut(t, Float16Type, Float16(0x3c00), 0xfc00, 0x0001)
	inAndOut(t, BFloat16Type, BFloat16(0x3f80), 0xff80, 0x0001)
}

// Copies convert; halves are the numbers that their bits say.
func TestConversions(t *testing.T) {
	do(t, func(s *Scope) {
		x := s.Float32s([]float32{1, -2.75, 0, 300}, 4)
		ints, bools, halves, brains := make([]int32, 4), make([]bool, 4), make([]Float16, 4),
			make([]BFloat16, 4)
		CopyTo(ints, x)
		CopyTo(bools, x)
		CopyTo(halves, x.ToType(Float16Type))
		CopyTo(brains, x)
		if !slices.Equal(ints, []int32{1, -2, 0, 300}) ||
			!slices.Equal(bools, []bool{true, true, false, true}) {
			t.Errorf("%v %v", ints, bools)
		}
		for i, v := range x.Float32s() {
			if halves[i].Float32() != v || brains[i].Float32() != v {
				t.Errorf("%g as halves is %g and %g", v, halves[i].Float32(), brains[i].Float32())
			}
		}
		for _, d := range allTypes {
			y := x.ToType(d)
			if y.DType() != d || y.Item0() != 1 {
				t.Errorf("%v became %v, 1 became %g", d, y.DType(), y.Item0())
			}
		}
	})
	if DType(99).String() != "dtype(99)" {
		t.Error(DType(99))
	}
	if err := Do(func(s *Scope) {
		Import(s,
			pt.Tensor{Shape: []int{1}, Data: "text"})
	}); err == nil {
		t.Error("a text was imported")
	}
	if err := Do(func(s *Scope) { s.Zeros(1).ToType(99) }); err == nil {
		t.Error("type 99 was taken")
	}
}

// Item0 is the first element.
func (t *Tensor) Item0() float64 { return t.Select(0, 0).Item() }
