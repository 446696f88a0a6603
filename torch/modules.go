//go:build linux && cgo

package torch

import (
	"math"
	"runtime"
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
	"github.com/wangkuiyi/gotorch/nn/initializer"
)

// #include "native/shim.h"
import "C"

// Module is a layer, or a network of layers: a struct of yours whose exported
// fields hold modules, tensors, or slices of modules, and whose names are
// PyTorch's attributes in snake_case (Conv1 is conv1, FcMean is fc_mean; a tag
// `torch:"fc21"` says otherwise). [Parameters], [Train], [StateDict], [Save] and
// the others take such a struct, or a pointer to one, also where its Forward has
// other arguments.
//
//	type Net struct{ Conv1, Conv2, Fc1 torch.Module }
//
//	func (n *Net) Forward(x *torch.Tensor) *torch.Tensor { ... }
//
// Modules are made inside [Do], where sizes that libtorch refuses become errors.
// Their initial weights are PyTorch's for the same seed, bit for bit. They are
// freed when nobody has them any more, or by [Free].
type Module interface {
	Forward(x *Tensor) *Tensor
}

// Function is a module without parameters: Function((*Tensor).Exp).
type Function func(x *Tensor) *Tensor

// Forward calls the function.
func (f Function) Forward(x *Tensor) *Tensor { return f(x) }

// member is a tensor of a module by the name of its attribute.
type member struct {
	name   string
	tensor *Tensor
	buffer bool // saved, not trained
}

// layer is a module that lists its own tensors, in the order of PyTorch's state_dict.
type layer interface {
	members() []member
}

// ownedByModule makes a tensor a module's: Close does nothing, the module frees it.
func ownedByModule(t *Tensor) *Tensor {
	(*Scope)(nil).Keep(t)
	t.borrowed = true
	return t
}

// fromGotorch takes over a parameter that gotorch made.
func fromGotorch(g gotorch.Tensor) *Tensor {
	runtime.SetFinalizer(g.T, nil)
	t := &Tensor{p: *g.T, scope: &Scope{}}
	t.g.T = &t.p
	return ownedByModule(t)
}

// made is a module's tensor from operations.
func made(f func(s *Scope) *Tensor) (t *Tensor) {
	if err := Do(func(s *Scope) { t = ownedByModule(f(s)) }); err != nil {
		panic(err)
	}
	return t
}

// weightAndBias is what PyTorch's Linear and convolutions start from: both uniform
// within 1/sqrt(fan in), drawn in this order by gotorch's initialisers.
func weightAndBias(op string, shape []int64, outputs int, bias bool) (w, b *Tensor) {
	if err := enter(); err != nil {
		panic(err)
	}
	type pair struct{ w, b gotorch.Tensor }
	p := named(op, func() (p pair) {
		p.w = gotorch.Empty(shape, true)
		if bias {
			p.b = gotorch.Empty([]int64{int64(outputs)}, true)
		}
		initializer.KaimingUniform(&p.w, math.Sqrt(5), "fan_in", "leaky_relu")
		if bias {
			in, _ := initializer.CalculateFanInAndFanOut(p.w)
			bound := 1 / math.Sqrt(float64(in))
			initializer.Uniform(&p.b, -bound, bound)
		}
		return p
	})
	w = fromGotorch(p.w)
	if bias {
		b = fromGotorch(p.b)
	}
	return w, b
}

func weightBias(w, b *Tensor) []member {
	list := []member{{name: "weight", tensor: w}}
	if b != nil {
		list = append(list, member{name: "bias", tensor: b})
	}
	return list
}

// LinearModule is torch.nn.Linear: y = x W' + b.
type LinearModule struct {
	Weight *Tensor // out x in
	Bias   *Tensor // out; nil where there is none
}

// Linear makes a LinearModule with a bias.
func Linear(in, out int) *LinearModule {
	w, b := weightAndBias("linear", []int64{int64(out), int64(in)}, out, true)
	return &LinearModule{w, b}
}

// LinearNoBias is Linear with bias=False.
func LinearNoBias(in, out int) *LinearModule {
	w, _ := weightAndBias("linear", []int64{int64(out), int64(in)}, out, false)
	return &LinearModule{Weight: w}
}

// Forward maps the last dimension of x from in to out features. Rows of float32 are
// multiplied by all of libtorch's threads, each a block of them.
func (m *LinearModule) Forward(x *Tensor) *Tensor {
	if shape, dtype := x.describe(); m.Bias != nil && len(shape) == 2 && dtype == Float32Type {
		return linear(x, m.Weight, m.Bias, false, false)
	}
	return x.Linear(m.Weight, m.Bias)
}

func (m *LinearModule) members() []member { return weightBias(m.Weight, m.Bias) }

// Conv2dModule is torch.nn.Conv2d.
type Conv2dModule struct {
	Weight *Tensor // out x in/groups x kernel x kernel
	Bias   *Tensor // out; nil where there is none
	conv   Conv
}

// Conv2d makes a Conv2dModule with a square kernel.
func Conv2d(in, out, kernel int, o Conv) *Conv2dModule {
	o = o.filled()
	shape := []int64{int64(out), int64(o.perGroup(in)), int64(kernel), int64(kernel)}
	w, b := weightAndBias("conv2d", shape, out, !o.NoBias)
	return &Conv2dModule{w, b, o}
}

// perGroup divides channels among the groups.
func (c Conv) perGroup(channels int) int {
	if c.Groups < 1 || channels%c.Groups != 0 {
		panic(&Error{"conv2d", "channels must be divisible by groups"})
	}
	return channels / c.Groups
}

// Forward maps n x in x h x w to n x out x h' x w'.
func (m *Conv2dModule) Forward(x *Tensor) *Tensor { return x.Conv2d(m.Weight, m.Bias, m.conv) }

func (m *Conv2dModule) members() []member { return weightBias(m.Weight, m.Bias) }

// ConvTranspose2dModule is torch.nn.ConvTranspose2d.
type ConvTranspose2dModule struct {
	Weight *Tensor // in x out/groups x kernel x kernel
	Bias   *Tensor // out; nil where there is none
	conv   Conv
}

// ConvTranspose2d makes a ConvTranspose2dModule with a square kernel.
func ConvTranspose2d(in, out, kernel int, o Conv) *ConvTranspose2dModule {
	o = o.filled()
	shape := []int64{int64(in), int64(o.perGroup(out)), int64(kernel), int64(kernel)}
	w, b := weightAndBias("conv_transpose2d", shape, out, !o.NoBias)
	return &ConvTranspose2dModule{w, b, o}
}

// Forward maps n x in x h x w to n x out x h' x w'.
func (m *ConvTranspose2dModule) Forward(x *Tensor) *Tensor {
	return x.ConvTranspose2d(m.Weight, m.Bias, m.conv)
}

func (m *ConvTranspose2dModule) members() []member { return weightBias(m.Weight, m.Bias) }

// BatchNormModule is torch.nn.BatchNorm1d or 2d: each channel with the batch's
// mean and variance while it trains, with running ones after [Eval].
type BatchNormModule struct {
	Weight, Bias            *Tensor // channels
	RunningMean, RunningVar *Tensor // channels
	NumBatchesTracked       *Tensor // int64
	Epsilon                 float64 // 1e-5
	Momentum                float64 // 0.1: the share of a batch in the running statistics
	op                      string
	least, most             int // dimensions
	evaluating              bool
}

// BatchNorm1d is of n x channels or n x channels x length.
func BatchNorm1d(channels int) *BatchNormModule {
	return batchNorm("batch_norm1d", channels, 2, 3)
}

// BatchNorm2d is of n x channels x h x w.
func BatchNorm2d(channels int) *BatchNormModule {
	return batchNorm("batch_norm2d", channels, 4, 4)
}

func batchNorm(op string, channels, least, most int) *BatchNormModule {
	return &BatchNormModule{
		Weight: made(
			func(s *Scope) *Tensor { return s.Ones(channels).RequiresGrad(true) }),
		Bias: made(
			func(s *Scope) *Tensor { return s.Zeros(channels).RequiresGrad(true) }),
		RunningMean:       made(func(s *Scope) *Tensor { return s.Zeros(channels) }),
		RunningVar:        made(func(s *Scope) *Tensor { return s.Ones(channels) }),
		NumBatchesTracked: made(func(s *Scope) *Tensor { return From(s, "cpu", []int64{0}) }),
		Epsilon:           1e-5, Momentum: 0.1, op: op, least: least, most: most,
	}
}

// Forward keeps x's shape.
func (m *BatchNormModule) Forward(x *Tensor) *Tensor {
	if n := len(x.Shape()); n < m.least || n > m.most {
		panic(&Error{m.op, "an input of another number of dimensions"})
	}
	if !m.evaluating {
		m.NumBatchesTracked.AddI(m.NumBatchesTracked.OnesLike(), 1)
	}
	return x.BatchNorm(m.Weight, m.Bias, m.RunningMean, m.RunningVar, !m.evaluating, m.Momentum,
		m.Epsilon)
}

// SetTraining is told by [Train] and [Eval].
func (m *BatchNormModule) SetTraining(on bool) { m.evaluating = !on }

func (m *BatchNormModule) members() []member {
	return append(weightBias(m.Weight, m.Bias), member{"running_mean", m.RunningMean, true},
		member{"running_var", m.RunningVar, true}, member{"num_batches_tracked",
			m.NumBatchesTracked, true})
}

// LayerNormModule is torch.nn.LayerNorm.
type LayerNormModule struct {
	Weight, Bias *Tensor
	Epsilon      float64 // 1e-5
	shape        []int
}

// LayerNorm normalises over the last dimensions, which have that shape.
func LayerNorm(shape ...int) *LayerNormModule {
	return &LayerNormModule{
		Weight:  made(func(s *Scope) *Tensor { return s.Ones(shape...).RequiresGrad(true) }),
		Bias:    made(func(s *Scope) *Tensor { return s.Zeros(shape...).RequiresGrad(true) }),
		Epsilon: 1e-5, shape: shape,
	}
}

// Forward keeps x's shape.
func (m *LayerNormModule) Forward(x *Tensor) *Tensor {
	return x.LayerNorm(m.shape, m.Weight, m.Bias, m.Epsilon)
}

func (m *LayerNormModule) members() []member { return weightBias(m.Weight, m.Bias) }

// DropoutModule is torch.nn.Dropout: while it trains it sets elements to 0 and
// enlarges the others; after [Eval] it passes everything.
type DropoutModule struct {
	P          float64 // the probability of 0
	evaluating bool
}

// Dropout makes a DropoutModule; PyTorch's default p is 0.5.
func Dropout(p float64) *DropoutModule { return &DropoutModule{P: p} }

// Forward keeps x's shape.
func (m *DropoutModule) Forward(x *Tensor) *Tensor { return x.Dropout(m.P, !m.evaluating) }

// SetTraining is told by [Train] and [Eval].
func (m *DropoutModule) SetTraining(on bool) { m.evaluating = !on }

func (m *DropoutModule) members() []member { return nil }

// reluModule is told apart from other functions, since it runs in a Linear's pass.
type reluModule struct{}

func (reluModule) Forward(x *Tensor) *Tensor { return x.ReLU() }
func (reluModule) members() []member         { return nil }

// ReLU is torch.nn.ReLU as a module.
func ReLU() Module { return reluModule{} }

// LeakyReLU is torch.nn.LeakyReLU; PyTorch's default slope is 0.01.
func LeakyReLU(slope float64) Module {
	return Function(func(x *Tensor) *Tensor { return x.LeakyReLU(slope) })
}

// Sigmoid is torch.nn.Sigmoid.
func Sigmoid() Module { return Function((*Tensor).Sigmoid) }

// Tanh is torch.nn.Tanh.
func Tanh() Module { return Function((*Tensor).Tanh) }

// GELU is torch.nn.GELU.
func GELU() Module { return Function((*Tensor).GELU) }

// SiLU is torch.nn.SiLU.
func SiLU() Module { return Function((*Tensor).SiLU) }

// Softplus is torch.nn.Softplus.
func Softplus() Module { return Function((*Tensor).Softplus) }

// Softmax is torch.nn.Softmax along a dimension.
func Softmax(dim int) Module { return Function(func(x *Tensor) *Tensor { return x.Softmax(dim) }) }

// LogSoftmax is torch.nn.LogSoftmax along a dimension.
func LogSoftmax(dim int) Module {
	return Function(func(x *Tensor) *Tensor { return x.LogSoftmax(dim) })
}

// Flatten is torch.nn.Flatten: n x a x b x ... to n x ab...
func Flatten() Module { return Function(func(x *Tensor) *Tensor { return x.Flatten(1, -1) }) }

// MaxPool2d is torch.nn.MaxPool2d.
func MaxPool2d(o Pool) Module {
	return Function(func(x *Tensor) *Tensor { return x.MaxPool2d(o) })
}

// AvgPool2d is torch.nn.AvgPool2d.
func AvgPool2d(o Pool) Module {
	return Function(func(x *Tensor) *Tensor { return x.AvgPool2d(o) })
}

// AdaptiveAvgPool2d is torch.nn.AdaptiveAvgPool2d.
func AdaptiveAvgPool2d(height, width int) Module {
	return Function(func(x *Tensor) *Tensor { return x.AdaptiveAvgPool2d(height, width) })
}

// free frees a module's tensor at once.
func (t *Tensor) free() {
	if t.g.T != nil {
		t.net.Stop()
		C.Tensor_Close(C.Tensor(unsafe.Pointer(*t.g.T)))
		t.g.T = nil
	}
}
