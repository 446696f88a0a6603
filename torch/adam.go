//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"
)

// Adam is torch.optim.Adam with weight_decay as an L2 term in the gradient
// (betas 0.9 and 0.999, eps 1e-8, amsgrad off), one pass over memory a step.
//
// gotorch's Adam is not used: its step lets C++ exceptions through, and its
// moments cannot be saved.
type Adam struct {
	LearningRate, WeightDecay float64

	parameters       []Parameter
	expAvg, expAvgSq []*Tensor // first and second moments
	step             int       // steps taken
}

// NewAdam makes an optimiser of these parameters, its moments zero and on the
// parameters' device. The caller closes it.
func NewAdam(parameters []Parameter, learningRate, weightDecay float64) (*Adam, error) {
	a := &Adam{LearningRate: learningRate, WeightDecay: weightDecay, parameters: parameters}
	err := NoGrad(func(s *Scope) {
		for _, p := range parameters {
			p := &Tensor{g: p.g, scope: s}
			a.expAvg = append(a.expAvg, s.Keep(p.zerosLike()))
			a.expAvgSq = append(a.expAvgSq, s.Keep(p.zerosLike()))
		}
	})
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// ZeroGrad drops all gradients, as zero_grad(set_to_none=True).
func (a *Adam) ZeroGrad() {
	list := a.handles()
	check("zero_grad", C.latent_zero_grad(unsafe.SliceData(list), C.int64_t(len(list))))
	runtime.KeepAlive(a)
}

// Step updates the parameters from their gradients.
func (a *Adam) Step() {
	a.step++
	p, m, v := a.handles(), handles(a.expAvg), handles(a.expAvgSq)
	check("adam", C.latent_adam_step(unsafe.SliceData(p), unsafe.SliceData(m), unsafe.SliceData(v),
		C.int64_t(len(p)), C.int64_t(a.step), C.double(a.LearningRate), 0.9, 0.999, 1e-8,
		C.double(a.WeightDecay)))
	runtime.KeepAlive(a)
}

// Steps is the number of steps taken.
func (a *Adam) Steps() int { return a.step }

// State returns copies of both moments, one slice a parameter, in the order of
// the parameters.
func (a *Adam) State() (expAvg, expAvgSq [][]float32, err error) {
	err = Do(func(*Scope) {
		for i := range a.parameters {
			expAvg = append(expAvg, a.expAvg[i].Float32s())
			expAvgSq = append(expAvgSq, a.expAvgSq[i].Float32s())
		}
	})
	return expAvg, expAvgSq, err
}

// SetState puts back what State returned.
func (a *Adam) SetState(steps int, expAvg, expAvgSq [][]float32) error {
	return Do(func(*Scope) {
		if n := len(a.parameters); len(expAvg) != n || len(expAvgSq) != n {
			panic(&Error{"adam", fmt.Sprintf("moments of %d and %d parameters, there are %d", len(expAvg), len(expAvgSq), n)})
		}
		for i := range a.parameters {
			CopyFrom(a.expAvg[i], expAvg[i])
			CopyFrom(a.expAvgSq[i], expAvgSq[i])
		}
		a.step = steps
	})
}

// Close frees the moments.
func (a *Adam) Close() {
	for _, t := range slices.Concat(a.expAvg, a.expAvgSq) {
		t.Close()
	}
}

func (a *Adam) handles() []C.Tensor {
	list := make([]C.Tensor, len(a.parameters))
	for i, p := range a.parameters {
		list[i] = p.c()
	}
	return list
}
