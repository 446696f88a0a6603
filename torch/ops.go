//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import "runtime"

//go:generate go run ./internal/opgen/cmd

// The operations that need more than a line of operations.table.

// Reduction is what a loss does with its elements.
type Reduction int64

// The reductions, by libtorch's numbers.
const (
	ReduceNone Reduction = 0 // every element by itself
	ReduceMean Reduction = 1 // what a loss does if it is told nothing
	ReduceSum  Reduction = 2
)

func reductionOf(r []Reduction) C.int64_t {
	switch {
	case len(r) == 0:
		return C.int64_t(ReduceMean)
	case len(r) > 1 || r[0] < ReduceNone || r[0] > ReduceSum:
		panic(&Error{"reduction", "want one of ReduceNone, ReduceMean, ReduceSum"})
	}
	return C.int64_t(r[0])
}

// T is the transpose of a matrix.
func (t *Tensor) T() *Tensor { return t.Transpose(0, 1) }

// Pixels takes rows of a byte matrix as float32 in 0..1, as torchvision's
// ToTensor makes them (byte / 255).
func (t *Tensor) Pixels(index *Tensor) *Tensor {
	var out C.Tensor
	check("pixels", C.latent_pixels(t.c(), index.c(), &out))
	return scopeOf(index, t).own(out)
}

// MSELoss is torch.nn.MSELoss: the mean over all elements of the squared
// difference, or another reduction of it. The mean's gradient is made in the same
// pass over memory.
func MSELoss(output, target *Tensor, reduction ...Reduction) *Tensor {
	if reductionOf(reduction) != C.int64_t(ReduceMean) {
		return mseLoss(output, target, reduction...)
	}
	var out C.Tensor
	check("mse_loss", C.latent_mse_loss(output.c(), target.c(), &out))
	runtime.KeepAlive(output)
	runtime.KeepAlive(target)
	return scopeOf(output, target).own(out)
}

// Conv is the geometry of a convolution. A list has one number for both
// directions or (vertical, horizontal); what is left out is PyTorch's default:
// stride 1, no padding, dilation 1, one group.
type Conv struct {
	Stride, Padding, Dilation []int
	OutputPadding             []int // of a transposed convolution: added to the output's size
	Groups                    int
	NoBias                    bool // of a module: it has no bias
}

func (c Conv) filled() Conv {
	c.Stride, c.Padding, c.Dilation = or(c.Stride, 1), or(c.Padding, 0), or(c.Dilation, 1)
	c.OutputPadding = or(c.OutputPadding, 0)
	if c.Groups == 0 {
		c.Groups = 1
	}
	return c
}

func or(list []int, missing int) []int {
	if len(list) == 0 {
		return []int{missing}
	}
	return list
}

// Conv1d convolves x (n x c x length) with weight (out x c/groups x length) and
// adds bias, which may be nil.
func (x *Tensor) Conv1d(weight, bias *Tensor, o Conv) *Tensor {
	o = o.filled()
	return x.conv1d(weight, bias, o.Stride, o.Padding, o.Dilation, o.Groups)
}

// Conv2d convolves x (n x c x h x w) with weight (out x c/groups x h x w) and adds
// bias, which may be nil.
func (x *Tensor) Conv2d(weight, bias *Tensor, o Conv) *Tensor {
	o = o.filled()
	return x.conv2d(weight, bias, o.Stride, o.Padding, o.Dilation, o.Groups)
}

// ConvTranspose2d is the gradient of Conv2d as an operation, which enlarges:
// weight is c x out/groups x h x w; bias may be nil.
func (x *Tensor) ConvTranspose2d(weight, bias *Tensor, o Conv) *Tensor {
	o = o.filled()
	return x.convTranspose2d(weight, bias, o.Stride, o.Padding, o.OutputPadding, o.Groups,
		o.Dilation)
}

// Pool is the geometry of a pooling. What is left out is PyTorch's default: the
// stride is the kernel's size, no padding, dilation 1.
type Pool struct {
	Kernel, Stride, Padding []int
	Dilation                []int // of MaxPool2d alone
	Ceil                    bool  // windows that hang over the end count
	// of AvgPool2d: padding is not averaged (count_include_pad=False)
	ExcludePadding bool
}

// MaxPool2d takes the largest element of each window of n x c x h x w.
func (x *Tensor) MaxPool2d(o Pool) *Tensor {
	return x.maxPool2d(o.Kernel, o.Stride, or(o.Padding, 0), or(o.Dilation, 1), o.Ceil)
}

// AvgPool2d averages each window of n x c x h x w.
func (x *Tensor) AvgPool2d(o Pool) *Tensor {
	return x.avgPool2d(o.Kernel, o.Stride, or(o.Padding, 0), o.Ceil, !o.ExcludePadding)
}

// UpsampleBicubic is torch.nn.functional.interpolate(mode="bicubic",
// align_corners=True) of x (n x c x h x w) to n x c x height x width.
func (x *Tensor) UpsampleBicubic(height, width int) *Tensor {
	return x.upsampleBicubic(height, width, true)
}
