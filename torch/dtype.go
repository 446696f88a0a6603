//go:build linux && cgo

package torch

import (
	"fmt"
	"reflect"

	"latent/torch/pt"
)

// DType is the type of a tensor's elements, by libtorch's numbers.
type DType int8

// The types of elements, by PyTorch's names.
const (
	Uint8Type    DType = 0
	Int8Type     DType = 1
	Int16Type    DType = 2
	Int32Type    DType = 3
	Int64Type    DType = 4
	Float16Type  DType = 5
	Float32Type  DType = 6
	Float64Type  DType = 7
	BoolType     DType = 11
	BFloat16Type DType = 15
)

func (d DType) String() string {
	name, ok := map[DType]string{Uint8Type: "uint8", Int8Type: "int8", Int16Type: "int16",
		Int32Type: "int32", Int64Type: "int64",
		Float16Type: "float16", Float32Type: "float32", Float64Type: "float64", BoolType: "bool",
		BFloat16Type: "bfloat16"}[d]
	if !ok {
		return fmt.Sprintf("dtype(%d)", int8(d))
	}
	return name
}

// Float16 is an IEEE 754 binary16 number by its bits.
type Float16 = pt.Float16

// BFloat16 is the upper half of a float32 by its bits.
type BFloat16 = pt.BFloat16

// Element is what a tensor can be copied from and to: Go's types and those named
// after them, and halves by their bits.
type Element interface {
	~float32 | ~float64 | ~int | ~int64 | ~int32 | ~int16 | ~int8 | ~uint8 | ~bool | Float16 |
		BFloat16
}

// dtypeOf is the type of tensor whose elements lie in memory as T's do.
func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case Float16:
		return Float16Type
	case BFloat16:
		return BFloat16Type
	}
	switch kind := reflect.TypeFor[T]().Kind(); kind {
	case reflect.Float32:
		return Float32Type
	case reflect.Float64:
		return Float64Type
	case reflect.Int, reflect.Int64: // int has 64 bits wherever this package builds
		return Int64Type
	case reflect.Int32:
		return Int32Type
	case reflect.Int16:
		return Int16Type
	case reflect.Int8:
		return Int8Type
	case reflect.Uint8:
		return Uint8Type
	case reflect.Bool:
		return BoolType
	default:
		panic("torch: no element type for " + kind.String())
	}
}
