//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"latent/torch/pt"
)

// Adam is torch.optim.Adam with weight_decay as an L2 term in the gradient
// (amsgrad off), one pass over memory a step. Its fields may be changed at any
// time.
//
// gotorch's Adam is not used: its step lets C++ exceptions through, and its
// moments cannot be saved.
type Adam struct {
	LearningRate, WeightDecay float64
	Beta1, Beta2              float64 // 0.9, 0.999
	Epsilon                   float64 // 1e-8

	parameters       []Parameter
	expAvg, expAvgSq []*Tensor // first and second moments
	step             int       // steps taken
	count            *Tensor   // the same on a GPU, float32, for StepUnless; nil on the CPU
}

// NewAdam makes an optimiser of these parameters, its moments zero and on the
// parameters' device. The caller closes it.
func NewAdam(parameters []Parameter, learningRate, weightDecay float64) (*Adam, error) {
	a := &Adam{LearningRate: learningRate, WeightDecay: weightDecay, Beta1: 0.9, Beta2: 0.999,
		Epsilon: 1e-8, parameters: parameters}
	err := NoGrad(func(s *Scope) {
		for _, p := range parameters {
			p := &Tensor{g: p.g, scope: s}
			a.expAvg = append(a.expAvg, s.Keep(p.ZerosLike()))
			a.expAvgSq = append(a.expAvgSq, s.Keep(p.ZerosLike()))
		}
		if device := a.device(); strings.HasPrefix(device, "cuda") {
			a.count = s.Keep(From(s, device, []float32{0}, 1))
		}
	})
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// ZeroGrad drops all gradients, as zero_grad(set_to_none=True).
func (a *Adam) ZeroGrad() { ZeroGrad(a.parameters) }

// Rate is where the learning rate is.
func (a *Adam) Rate() *float64 { return &a.LearningRate }

// Step updates the parameters from their gradients.
func (a *Adam) Step() {
	a.step++
	p, m, v := parameterHandles(a.parameters), handles(a.expAvg), handles(a.expAvgSq)
	check("adam", C.latent_adam_step(unsafe.SliceData(p), unsafe.SliceData(m), unsafe.SliceData(v),
		C.int64_t(len(p)), C.int64_t(a.step), C.double(a.LearningRate), C.double(a.Beta1),
		C.double(a.Beta2), C.double(a.Epsilon),
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
			panic(&Error{"adam",
				fmt.Sprintf("moments of %d and %d parameters, there are %d", len(expAvg),
					len(expAvgSq), n)})
		}
		for i := range a.parameters {
			CopyFrom(a.expAvg[i], expAvg[i])
			CopyFrom(a.expAvgSq[i], expAvgSq[i])
		}
		a.step = steps
		if a.count != nil {
			CopyFrom(a.count, []float32{float32(steps)})
		}
	})
}

// group is the optimiser as the others keep theirs, for the state_dict; without a
// step there is none.
func (a *Adam) group() group {
	g := newGroup(a.parameters, "exp_avg", "exp_avg_sq")
	for i := range g.steps {
		g.steps[i] = a.step
	}
	copy(g.tensors[0], a.expAvg)
	copy(g.tensors[1], a.expAvgSq)
	return g
}

// StateDict is that of torch.optim.Adam.
func (a *Adam) StateDict() (pt.Dict, error) {
	g := a.group()
	return g.stateDict(adamSettings(a.LearningRate, a.Beta1, a.Beta2, a.Epsilon, a.WeightDecay),
		true)
}

// LoadStateDict takes the state and the settings of one. All parameters must have
// taken as many steps, as they have where each got a gradient in every one.
func (a *Adam) LoadStateDict(d pt.Dict) error {
	loaded := newGroup(a.parameters, "exp_avg", "exp_avg_sq")
	defer loaded.Close()
	before := *a
	err := loaded.load(d, func(of pt.Dict) error {
		loadAdamSettings(of, &a.LearningRate, &a.Beta1, &a.Beta2, &a.Epsilon, &a.WeightDecay)
		return nil
	})
	if err == nil {
		err = Do(func(*Scope) {
			a.step = 0
			for i, steps := range loaded.steps {
				if steps != 0 && a.step != 0 && steps != a.step {
					panic(&Error{"load_state_dict", "parameters with different numbers of steps"})
				}
				a.step = max(a.step, steps)
				for k, moment := range []*Tensor{a.expAvg[i], a.expAvgSq[i]} {
					if from := loaded.tensors[k][i]; from != nil {
						moment.CopyI(from)
					} else {
						moment.FillI(0)
					}
				}
			}
			if a.count != nil {
				CopyFrom(a.count, []float32{float32(a.step)})
			}
		})
	}
	if err != nil {
		a.LearningRate, a.Beta1, a.Beta2, a.Epsilon, a.WeightDecay, a.step =
			before.LearningRate, before.Beta1, before.Beta2, before.Epsilon, before.WeightDecay,
			before.step
	}
	return err
}

// device is where the parameters are, "" where there are none.
func (a *Adam) device() string {
	if len(a.parameters) == 0 {
		return ""
	}
	return a.parameters[0].Device()
}

// Close frees the moments.
func (a *Adam) Close() {
	a.count.Close()
	for _, t := range slices.Concat(a.expAvg, a.expAvgSq) {
		t.Close()
	}
}

func (a *Adam) handles() []C.Tensor {
	return parameterHandles(a.parameters)
}
