//go:build linux && cgo

package torch

import (
	"fmt"

	"latent/torch/pt"
)

// Export copies the tensor into what package pt writes, of the same element type.
func (t *Tensor) Export() pt.Tensor {
	shape, dtype := t.describe()
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := pt.Tensor{Shape: shape}
	switch dtype {
	case Float32Type:
		x.Data = exported(t, make([]float32, n))
	case Float64Type:
		x.Data = exported(t, make([]float64, n))
	case Int64Type:
		x.Data = exported(t, make([]int64, n))
	case Int32Type:
		x.Data = exported(t, make([]int32, n))
	case Int16Type:
		x.Data = exported(t, make([]int16, n))
	case Int8Type:
		x.Data = exported(t, make([]int8, n))
	case Uint8Type:
		x.Data = exported(t, make([]uint8, n))
	case BoolType:
		x.Data = exported(t, make([]bool, n))
	case Float16Type:
		x.Data = exported(t, make([]pt.Float16, n))
	case BFloat16Type:
		x.Data = exported(t, make([]pt.BFloat16, n))
	default:
		panic(&Error{"export", fmt.Sprintf("a tensor of %v cannot be written", dtype)})
	}
	return x
}

func exported[T Element](t *Tensor, data []T) []T {
	CopyTo(data, t)
	return data
}

// Import copies what package pt read into a tensor on the CPU, of the same element
// type.
func Import(s *Scope, x pt.Tensor) *Tensor {
	switch data := x.Data.(type) {
	case []float32:
		return From(s, "cpu", data, x.Shape...)
	case []float64:
		return From(s, "cpu", data, x.Shape...)
	case []int64:
		return From(s, "cpu", data, x.Shape...)
	case []int32:
		return From(s, "cpu", data, x.Shape...)
	case []int16:
		return From(s, "cpu", data, x.Shape...)
	case []int8:
		return From(s, "cpu", data, x.Shape...)
	case []uint8:
		return From(s, "cpu", data, x.Shape...)
	case []bool:
		return From(s, "cpu", data, x.Shape...)
	case []pt.Float16:
		return From(s, "cpu", data, x.Shape...)
	case []pt.BFloat16:
		return From(s, "cpu", data, x.Shape...)
	}
	panic(&Error{"import", fmt.Sprintf("tensor data of type %T", x.Data)})
}
