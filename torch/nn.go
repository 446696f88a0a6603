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
	"github.com/wangkuiyi/gotorch/nn"
)

// Linear is gotorch's nn.Linear with a bias: in -> out features, PyTorch's
// default initial weights, drawn from the default generator in PyTorch's order.
func Linear(in, out int) *nn.LinearModule {
	return named("linear", func() *nn.LinearModule { return nn.Linear(int64(in), int64(out), true) })
}

// ReLU is torch.nn.ReLU as a module.
func ReLU() nn.IModule { return relu{nn.Functional(gotorch.Relu)} }

type relu struct{ *nn.FunctionalModule }

// Sequential chains modules as torch.nn.Sequential does: layer i's parameters are
// named "i.weight" and "i.bias".
type Sequential struct {
	module *nn.SequentialModule
	bf16   bool
	plain  bool
}

// NewSequential makes a chain of Linear and ReLU modules.
func NewSequential(modules ...nn.IModule) *Sequential {
	return &Sequential{module: nn.Sequential(modules...)}
}

// Forward feeds x (n x in) through the chain. A ReLU behind a Linear runs in the
// Linear's own pass over memory; the numbers are the same.
func (q *Sequential) Forward(x *Tensor) *Tensor {
	if q.plain {
		return q.forwardPlain(x)
	}
	modules := q.module.Modules
	for i := 0; i < len(modules); i++ {
		switch m := modules[i].(type) {
		case *nn.LinearModule:
			closed(m)
			fused := false
			if i+1 < len(modules) {
				_, fused = modules[i+1].(relu)
			}
			x = linear(x, m.Weight, m.Bias, fused, q.bf16)
			if fused {
				i++
			}
		case relu:
			x = x.ReLU()
		default:
			panic(fmt.Sprintf("torch: Sequential does not hold %T", m))
		}
	}
	return x
}

// linear is x W^T + b, in bfloat16 if asked, with a ReLU behind it if asked.
func linear(x *Tensor, weight, bias gotorch.Tensor, relu, bf16 bool) *Tensor {
	var out C.Tensor
	check("linear", C.latent_linear(x.c(), C.Tensor(*weight.T), C.Tensor(*bias.T), C.bool(relu), C.bool(bf16), &out))
	runtime.KeepAlive(weight.T)
	runtime.KeepAlive(bias.T)
	return x.scope.own(out)
}

// SetBF16 makes the chain multiply in bfloat16, weights and sums of gradients
// kept in float32, as torch.autocast does.
func (q *Sequential) SetBF16(on bool) { q.bf16 = on }

// Close frees the parameters; a nil chain has none.
func (q *Sequential) Close() {
	if q == nil {
		return
	}
	for _, m := range q.module.Modules {
		if l, ok := m.(*nn.LinearModule); ok {
			for _, t := range []gotorch.Tensor{l.Weight, l.Bias} {
				runtime.SetFinalizer(t.T, nil)
				C.Tensor_Close(C.Tensor(*t.T))
				*t.T = nil // for every Parameter of it too
			}
		}
	}
}

// closed panics where a module has been freed.
func closed(l *nn.LinearModule) {
	if *l.Weight.T == nil {
		panic(&Error{"linear", "use of a closed model"})
	}
}

// Parameter is a trainable tensor and its name in the state_dict.
type Parameter struct {
	Name string
	*Tensor
}

// Parameters returns the chain's parameters in order, names behind prefix
// ("encoder." gives "encoder.0.weight").
func (q *Sequential) Parameters(prefix string) []Parameter {
	var list []Parameter
	for i, m := range q.module.Modules {
		if l, ok := m.(*nn.LinearModule); ok {
			list = append(list,
				Parameter{fmt.Sprintf("%s%d.weight", prefix, i), &Tensor{g: l.Weight, borrowed: true}},
				Parameter{fmt.Sprintf("%s%d.bias", prefix, i), &Tensor{g: l.Bias, borrowed: true}})
		}
	}
	return list
}

// SetDevice moves a parameter, keeping its identity.
func (p Parameter) SetDevice(device string) error {
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	err := failure("to", C.latent_set_device(p.c(), where))
	runtime.KeepAlive(p.Tensor)
	return err
}
