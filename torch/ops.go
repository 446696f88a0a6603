//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
)

// scopeOf is where the result of an operation on these tensors belongs.
func scopeOf(tensors ...*Tensor) *Scope {
	for _, t := range tensors {
		if t.scope != nil {
			return t.scope
		}
	}
	return nil
}

func (t *Tensor) unary(op string, f func(a gotorch.Tensor) gotorch.Tensor) *Tensor {
	t.c() // it must not be closed
	return t.scope.adopt(named(op, func() gotorch.Tensor { return f(t.g) }))
}

func (t *Tensor) binary(op string, b *Tensor, f func(a, b gotorch.Tensor) gotorch.Tensor) *Tensor {
	t.c()
	b.c()
	return scopeOf(t, b).adopt(named(op, func() gotorch.Tensor { return f(t.g, b.g) }))
}

// Add returns a + b, broadcast as torch.add does.
func (t *Tensor) Add(b *Tensor) *Tensor {
	return t.binary("add", b, func(a, b gotorch.Tensor) gotorch.Tensor { return gotorch.Add(a, b, 1) })
}

// Sub returns a - b.
func (t *Tensor) Sub(b *Tensor) *Tensor {
	return t.binary("sub", b, func(a, b gotorch.Tensor) gotorch.Tensor { return gotorch.Sub(a, b, 1) })
}

// Mul returns the elementwise product.
func (t *Tensor) Mul(b *Tensor) *Tensor { return t.binary("mul", b, gotorch.Mul) }

// Div returns the elementwise quotient.
func (t *Tensor) Div(b *Tensor) *Tensor { return t.binary("div", b, gotorch.Div) }

// Transpose swaps two dimensions.
func (t *Tensor) Transpose(dim0, dim1 int) *Tensor {
	return t.unary("transpose", func(a gotorch.Tensor) gotorch.Tensor { return gotorch.Transpose(a, int64(dim0), int64(dim1)) })
}

// T is the transpose of a matrix.
func (t *Tensor) T() *Tensor { return t.Transpose(0, 1) }

// Detach returns the same values without their history.
func (t *Tensor) Detach() *Tensor {
	return t.unary("detach", func(a gotorch.Tensor) gotorch.Tensor { return a.Detach() })
}

// Sum adds up all elements.
func (t *Tensor) Sum() *Tensor {
	return t.unary("sum", func(a gotorch.Tensor) gotorch.Tensor { return gotorch.Sum(a) })
}

// Mean is the mean of all elements.
func (t *Tensor) Mean() *Tensor {
	return t.unary("mean", func(a gotorch.Tensor) gotorch.Tensor { return a.Mean() })
}

// ReLU is max(x, 0).
func (t *Tensor) ReLU() *Tensor { return t.unary("relu", gotorch.Relu) }

// Tanh is the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return t.unary("tanh", gotorch.Tanh) }

// SumDim adds up along one dimension, which disappears.
func (t *Tensor) SumDim(dim int) *Tensor {
	var out C.Tensor
	check("sum", C.latent_sum_dim(t.c(), C.int64_t(dim), &out))
	return t.scope.own(out)
}

// Normalize is torch.nn.functional.normalize(p=2, eps=1e-12): rows (for dim 1)
// divided by the larger of their 2-norm and eps, so that zero rows stay zero.
func (t *Tensor) Normalize(dim int) *Tensor {
	var out C.Tensor
	check("normalize", C.latent_normalize(t.c(), C.int64_t(dim), 1e-12, &out))
	return t.scope.own(out)
}

// Exp is e^x.
func (t *Tensor) Exp() *Tensor {
	var out C.Tensor
	check("exp", C.latent_exp(t.c(), &out))
	return t.scope.own(out)
}

// Log is the natural logarithm.
func (t *Tensor) Log() *Tensor {
	var out C.Tensor
	check("log", C.latent_log(t.c(), &out))
	return t.scope.own(out)
}

// Softplus is log(1 + e^x), linear above 20 as torch.nn.functional.softplus.
func (t *Tensor) Softplus() *Tensor {
	var out C.Tensor
	check("softplus", C.latent_softplus(t.c(), &out))
	return t.scope.own(out)
}

// Cos is the cosine, x in radians.
func (t *Tensor) Cos() *Tensor {
	var out C.Tensor
	check("cos", C.latent_cos(t.c(), &out))
	return t.scope.own(out)
}

// Sin is the sine, x in radians.
func (t *Tensor) Sin() *Tensor {
	var out C.Tensor
	check("sin", C.latent_sin(t.c(), &out))
	return t.scope.own(out)
}

func (t *Tensor) zerosLike() *Tensor {
	var out C.Tensor
	check("zeros_like", C.latent_zeros_like(t.c(), &out))
	return t.scope.own(out)
}

// Scale returns factor*x + offset.
func (t *Tensor) Scale(factor, offset float64) *Tensor {
	var out C.Tensor
	check("scale", C.latent_scale(t.c(), C.double(factor), C.double(offset), &out))
	return t.scope.own(out)
}

// MatMul is torch.matmul.
func (t *Tensor) MatMul(b *Tensor) *Tensor {
	var out C.Tensor
	check("matmul", C.latent_matmul(t.c(), b.c(), &out))
	return scopeOf(t, b).own(out)
}

// EyeMask is a bool n x n tensor, true on the diagonal, where t lives.
func (t *Tensor) EyeMask(n int) *Tensor {
	var out C.Tensor
	check("eye", C.latent_eye_mask(t.c(), C.int64_t(n), &out))
	return t.scope.own(out)
}

// Reshape is torch.reshape; one size may be -1.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	dims := int64s(shape)
	var out C.Tensor
	check("reshape", C.latent_reshape(t.c(), unsafe.SliceData(dims), C.int64_t(len(dims)), &out))
	return t.scope.own(out)
}

// Rows takes the rows that index (int64) names.
func (t *Tensor) Rows(index *Tensor) *Tensor {
	var out C.Tensor
	check("index_select", C.latent_rows(t.c(), index.c(), &out))
	return scopeOf(index, t).own(out)
}

// Pixels takes rows of a byte matrix as float32 in 0..1, as torchvision's
// ToTensor makes them (byte / 255).
func (t *Tensor) Pixels(index *Tensor) *Tensor {
	var out C.Tensor
	check("pixels", C.latent_pixels(t.c(), index.c(), &out))
	return scopeOf(index, t).own(out)
}

// Slice is t[start:end] along one dimension; it shares t's memory.
func (t *Tensor) Slice(dim, start, end int) *Tensor {
	var out C.Tensor
	check("narrow", C.latent_narrow(t.c(), C.int64_t(dim), C.int64_t(start), C.int64_t(end-start), &out))
	return t.scope.own(out)
}

// Cat joins tensors along one dimension.
func Cat(dim int, tensors ...*Tensor) *Tensor {
	list := handles(tensors)
	var out C.Tensor
	check("cat", C.latent_cat(unsafe.SliceData(list), C.int64_t(len(list)), C.int64_t(dim), &out))
	return scopeOf(tensors...).own(out)
}

// AffineGrid is torch.nn.functional.affine_grid for images of h x w, one channel:
// theta (n x 2 x 3) -> n x h x w x 2, align_corners false.
func AffineGrid(theta *Tensor, n, h, w int) *Tensor {
	var out C.Tensor
	check("affine_grid", C.latent_affine_grid(theta.c(), C.int64_t(n), 1, C.int64_t(h), C.int64_t(w), &out))
	return theta.scope.own(out)
}

// GridSample is torch.nn.functional.grid_sample: bilinear, zeros outside,
// align_corners false.
func GridSample(input, grid *Tensor) *Tensor {
	var out C.Tensor
	check("grid_sample", C.latent_grid_sample(input.c(), grid.c(), &out))
	return scopeOf(input, grid).own(out)
}

// MSELoss is torch.nn.MSELoss: the mean over all elements of the squared difference.
func MSELoss(output, target *Tensor) *Tensor {
	var out C.Tensor
	check("mse_loss", C.latent_mse_loss(output.c(), target.c(), &out))
	return scopeOf(output, target).own(out)
}
