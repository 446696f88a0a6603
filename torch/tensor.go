//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
)

// Tensor is a libtorch tensor with one owner: the scope it was made in, or,
// after Scope.Keep, whoever calls Close.
type Tensor struct {
	p        unsafe.Pointer // an at::Tensor
	g        gotorch.Tensor // gotorch's view of the same: T leads to p; nil when closed
	scope    *Scope
	borrowed bool            // a parameter: its module owns it
	net      runtime.Cleanup // frees a kept tensor that nobody closed
}

// From copies data into a new tensor on device ("cpu", "cuda", "cuda:1"). The
// product of shape must be len(data).
func From[T Element](s *Scope, device string, data []T, shape ...int) *Tensor {
	n := 1
	dims := make([]C.int64_t, len(shape))
	for i, d := range shape {
		dims[i] = C.int64_t(d)
		n *= d
	}
	if n != len(data) {
		panic(&Error{"from", fmt.Sprintf("%d values do not fill shape %v", len(data), shape)})
	}
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	var out C.Tensor
	check("from",
		C.latent_from_data(unsafe.Pointer(unsafe.SliceData(data)), C.int8_t(dtypeOf[T]()),
			unsafe.SliceData(dims), C.int64_t(len(dims)), where, &out))
	return s.own(out)
}

// Float32s copies data into a new float32 tensor on the CPU.
func (s *Scope) Float32s(data []float32, shape ...int) *Tensor {
	return From(s, "cpu", data, shape...)
}

// Uniform draws from [low, high) with the default generator, always on the CPU
// so that every device sees the same numbers, and puts the result where like is.
func (s *Scope) Uniform(like *Tensor, low, high float64, shape ...int) *Tensor {
	dims := int64s(shape)
	var out C.Tensor
	check("uniform_", C.latent_uniform(unsafe.SliceData(dims), C.int64_t(len(dims)),
		C.double(low), C.double(high), like.c(), &out))
	return s.own(out)
}

// Close frees the tensor; a second Close, or that of a parameter, does nothing.
func (t *Tensor) Close() {
	if t == nil || t.g.T == nil || t.borrowed {
		return
	}
	t.net.Stop()
	C.Tensor_Close(C.Tensor(*t.g.T))
	t.g.T = nil
}

func (t *Tensor) c() C.Tensor {
	if t == nil {
		panic(&Error{"tensor", "a nil tensor"})
	}
	if t.g.T == nil {
		panic(&Error{"tensor", "use of a closed tensor"})
	}
	return C.Tensor(*t.g.T)
}

// orNil is c, or NULL for a nil tensor, where an operation can do without it.
func (t *Tensor) orNil() C.Tensor {
	if t == nil {
		return nil
	}
	return t.c()
}

// Shape returns the sizes of all dimensions.
func (t *Tensor) Shape() []int {
	shape, _ := t.describe()
	return shape
}

// DType returns the type of the elements.
func (t *Tensor) DType() DType {
	_, dtype := t.describe()
	return dtype
}

func (t *Tensor) describe() ([]int, DType) {
	var sizes [64]C.int64_t // libtorch computes with no more dimensions
	var dims C.int64_t
	var dtype C.int8_t
	check("shape", C.latent_shape(t.c(), &sizes[0], C.int64_t(len(sizes)), &dims, &dtype))
	runtime.KeepAlive(t)
	shape := make([]int, min(int(dims), len(sizes)))
	for i := range shape {
		shape[i] = int(sizes[i])
	}
	return shape, DType(dtype)
}

// Len returns the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape() {
		n *= d
	}
	return n
}

// CopyTo copies all elements, in C order, into a slice of exactly their number;
// floats and integers are converted to T.
func CopyTo[T Element](dst []T, t *Tensor) {
	check("copy", C.latent_copy_out(t.c(), unsafe.Pointer(unsafe.SliceData(dst)),
		C.int8_t(dtypeOf[T]()), C.int64_t(len(dst))))
	runtime.KeepAlive(t)
}

// CopyFrom overwrites all elements, in C order; no gradient is recorded.
func CopyFrom[T Element](t *Tensor, src []T) {
	check("copy_", C.latent_copy_in(t.c(), unsafe.Pointer(unsafe.SliceData(src)),
		C.int8_t(dtypeOf[T]()), C.int64_t(len(src))))
	runtime.KeepAlive(t)
}

// Float32s returns a copy of all elements in C order.
func (t *Tensor) Float32s() []float32 {
	data := make([]float32, t.Len())
	CopyTo(data, t)
	return data
}

// Item returns the value of a one-element tensor.
func (t *Tensor) Item() float64 {
	var v C.double
	check("item", C.latent_item(t.c(), &v))
	runtime.KeepAlive(t)
	return float64(v)
}

// To returns the tensor on another device, itself where it is there already.
func (t *Tensor) To(device string) *Tensor {
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	var out C.Tensor
	check("to", C.latent_to_device(t.c(), where, &out))
	return scopeOf(t).own(out)
}

// Device is where the tensor is: "cpu", "cuda:0".
func (t *Tensor) Device() string {
	var text *C.char
	check("device", C.latent_device(t.c(), &text))
	runtime.KeepAlive(t)
	defer C.latent_free_string(text)
	return C.GoString(text)
}

// GradFn is the name of the operation that gave the tensor, as its grad_fn has it
// ("AddmmBackward0"); empty for a leaf.
func (t *Tensor) GradFn() string {
	var text *C.char
	check("grad_fn", C.latent_grad_fn(t.c(), &text))
	runtime.KeepAlive(t)
	defer C.latent_free_string(text)
	return C.GoString(text)
}

// RequiresGrad makes a leaf tensor record gradients, or stop recording.
func (t *Tensor) RequiresGrad(on bool) *Tensor {
	check("requires_grad_", C.latent_requires_grad(t.c(), C.bool(on)))
	return t
}

// Backward computes the gradients of a one-element tensor.
func (t *Tensor) Backward() {
	check("backward", C.latent_backward(t.c()))
	runtime.KeepAlive(t)
}

// Grad returns the gradient in scope s, nil where there is none.
func (t *Tensor) Grad(s *Scope) *Tensor {
	var out C.Tensor
	check("grad", C.latent_grad(t.c(), &out))
	runtime.KeepAlive(t)
	if out == nil {
		return nil
	}
	return s.own(out)
}

func int64s(shape []int) []C.int64_t {
	dims := make([]C.int64_t, len(shape))
	for i, d := range shape {
		dims[i] = C.int64_t(d)
	}
	return dims
}

func handles(tensors []*Tensor) []C.Tensor {
	list := make([]C.Tensor, len(tensors))
	for i, t := range tensors {
		list[i] = t.c()
	}
	return list
}
