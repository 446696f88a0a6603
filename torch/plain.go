//go:build linux && cgo

package torch

// #include "native/plain.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
	"github.com/wangkuiyi/gotorch/nn/functional"
)

// The plain path: a training step in gotorch's own operations. Its forward
// operations return their errors; its Backward and its optimiser let C++
// exceptions through, which end the process, so that Tensor.Backward and the
// functions of native/plain.h make the same calls of libtorch in their place.

// SetPlain makes Forward run gotorch's own modules one by one, in float32.
func (q *Sequential) SetPlain(on bool) { q.plain = on }

// forwardPlain feeds x through gotorch's nn.functional.Linear and Relu.
func (q *Sequential) forwardPlain(x *Tensor) *Tensor {
	for _, m := range q.modules {
		if l, ok := m.(*LinearModule); ok && l.Bias != nil {
			l.Weight.c()
			l.Bias.c()
			x = x.plainly("linear", func(x gotorch.Tensor) gotorch.Tensor {
				return functional.Linear(x, l.Weight.g, l.Bias.g)
			})
			runtime.KeepAlive(l)
			continue
		}
		x = m.Forward(x)
	}
	return x
}

// plainly runs an operation of gotorch's Go half.
func (t *Tensor) plainly(op string, f func(a gotorch.Tensor) gotorch.Tensor) *Tensor {
	t.c() // it must not be closed
	return scopeOf(t).adopt(named(op, func() gotorch.Tensor { return f(t.g) }))
}

// PlainMSELoss is MSELoss from gotorch's Sub, Mul and Mean.
func PlainMSELoss(output, target *Tensor) *Tensor {
	if o, t := output.Shape(), target.Shape(); !slices.Equal(o, t) { // Sub would broadcast
		panic(&Error{"mse_loss", fmt.Sprintf("output %v and target %v differ in shape", o, t)})
	}
	difference := output.Sub(target) // gotorch's, as Mul
	return difference.Mul(difference).plainly("mean", gotorch.Mean)
}

// PlainAdam is gotorch's Adam, torch::optim::Adam with weight_decay as an L2 term
// in the gradient (betas 0.9 and 0.999, eps 1e-8, amsgrad off).
type PlainAdam struct {
	parameters []Parameter
	optimizer  gotorch.Optimizer
	step       int // steps taken
}

// NewPlainAdam makes gotorch's optimiser of these parameters. The caller closes
// it. A parameter of another device later is an error of Step.
func NewPlainAdam(parameters []Parameter, learningRate, weightDecay float64) (*PlainAdam, error) {
	// gotorch's Adam ends the process over a number that libtorch refuses.
	if !(learningRate >= 0) || !(weightDecay >= 0) || math.IsInf(learningRate+weightDecay, 0) {
		return nil, &Error{"adam",
			fmt.Sprintf("learning rate %g and weight decay %g must be at least 0 and finite",
				learningRate, weightDecay)}
	}
	if err := setUp(); err != nil {
		return nil, err
	}
	a := &PlainAdam{parameters: parameters,
		optimizer: gotorch.Adam(learningRate, 0.9, 0.999, weightDecay)}
	runtime.SetFinalizer(a.optimizer.Opt, nil) // freed once, by Close
	err := Do(func(*Scope) {
		list := a.handles()
		check("add_param_group",
			C.latent_optimizer_add(a.c(), unsafe.SliceData(list), C.int64_t(len(list))))
	})
	runtime.KeepAlive(a)
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// c is the optimiser itself, which gotorch keeps under a type of its own.
func (a *PlainAdam) c() C.Optimizer {
	if a.optimizer.Opt == nil {
		panic(&Error{"adam", "use of a closed optimiser"})
	}
	return *(*C.Optimizer)(unsafe.Pointer(a.optimizer.Opt))
}

func (a *PlainAdam) handles() []C.Tensor {
	list := make([]C.Tensor, len(a.parameters))
	for i, p := range a.parameters {
		list[i] = p.c()
	}
	return list
}

// ZeroGrad makes all gradients zero, or drops them with libtorch 2.
func (a *PlainAdam) ZeroGrad() {
	check("zero_grad", C.latent_optimizer_zero_grad(a.c()))
	runtime.KeepAlive(a)
}

// Step updates the parameters from their gradients.
func (a *PlainAdam) Step() {
	check("adam", C.latent_optimizer_step(a.c()))
	a.step++
	runtime.KeepAlive(a)
}

// Steps is the number of steps taken.
func (a *PlainAdam) Steps() int { return a.step }

// State returns copies of both moments, one slice a parameter, in the order of the
// parameters.
func (a *PlainAdam) State() (expAvg, expAvgSq [][]float32, err error) {
	err = Do(func(*Scope) {
		for _, p := range a.parameters {
			n := p.Len()
			m, v := make([]float32, n), make([]float32, n)
			check("adam", C.latent_adam_state(a.c(), p.c(), (*C.float)(unsafe.SliceData(m)),
				(*C.float)(unsafe.SliceData(v)), C.int64_t(n)))
			expAvg, expAvgSq = append(expAvg, m), append(expAvgSq, v)
		}
	})
	runtime.KeepAlive(a)
	return expAvg, expAvgSq, err
}

// SetState puts back what State returned.
func (a *PlainAdam) SetState(steps int, expAvg, expAvgSq [][]float32) error {
	return Do(func(*Scope) {
		if n := len(a.parameters); len(expAvg) != n || len(expAvgSq) != n {
			panic(&Error{"adam",
				fmt.Sprintf("moments of %d and %d parameters, there are %d", len(expAvg),
					len(expAvgSq), n)})
		}
		for i, p := range a.parameters {
			if n := p.Len(); len(expAvg[i]) != n || len(expAvgSq[i]) != n {
				panic(&Error{"adam",
					fmt.Sprintf("moments of %d and %d elements for %s of %d", len(expAvg[i]),
						len(expAvgSq[i]), p.Name, n)})
			}
		}
		for i, p := range a.parameters {
			check("adam",
				C.latent_adam_set_state(a.c(), p.c(), C.int64_t(steps),
					(*C.float)(unsafe.SliceData(expAvg[i])),
					(*C.float)(unsafe.SliceData(expAvgSq[i])), C.int64_t(len(expAvg[i]))))
		}
		a.step = steps
		runtime.KeepAlive(a)
	})
}

// Close frees the optimiser and its moments.
func (a *PlainAdam) Close() {
	if a.optimizer.Opt != nil {
		a.optimizer.Close()
		a.optimizer.Opt = nil
	}
}
