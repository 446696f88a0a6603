//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"unsafe"

	"latent/torch/pt"
)

// SGD is torch.optim.SGD. Its fields may be changed at any time.
type SGD struct {
	LearningRate float64
	Momentum     float64 // 0: none
	Dampening    float64 // of the momentum
	WeightDecay  float64 // an L2 term in the gradient
	Nesterov     bool    // needs momentum and no dampening
	group
}

// NewSGD makes an optimiser without momentum. The caller closes it.
func NewSGD(parameters []Parameter, learningRate float64) *SGD {
	return &SGD{LearningRate: learningRate, group: newGroup(parameters, "momentum_buffer")}
}

// Step updates the parameters from their gradients.
func (o *SGD) Step() {
	if o.Nesterov && (o.Momentum <= 0 || o.Dampening != 0) {
		panic(&Error{"sgd", "Nesterov momentum needs a momentum and no dampening"})
	}
	used := 1
	if o.Momentum == 0 {
		used = 0
	}
	o.step("sgd", used, func(p []C.Tensor, state [][]C.Tensor, steps []C.int64_t) *C.char {
		return C.latent_sgd_step(unsafe.SliceData(p), unsafe.SliceData(state[0]),
			unsafe.SliceData(steps), C.int64_t(len(p)),
			C.double(o.LearningRate), C.double(o.Momentum), C.double(o.Dampening),
			C.double(o.WeightDecay), C.bool(o.Nesterov))
	})
}

// Rate is where the learning rate is.
func (o *SGD) Rate() *float64 { return &o.LearningRate }

// StateDict is that of torch.optim.SGD.
func (o *SGD) StateDict() (pt.Dict, error) {
	if o.Momentum == 0 {
		bare := group{parameters: o.parameters, steps: make([]int, len(o.parameters))}
		return bare.stateDict(o.settings(), false)
	}
	return o.stateDict(o.settings(), false)
}

func (o *SGD) settings() pt.Dict {
	return pt.Dict{{Key: "lr", Value: o.LearningRate}, {Key: "momentum", Value: o.Momentum},
		{Key: "dampening", Value: o.Dampening},
		{Key: "weight_decay", Value: o.WeightDecay}, {Key: "nesterov", Value: o.Nesterov},
		{Key: "maximize", Value: false}, {Key: "foreach", Value: nil}, {Key: "differentiable",
			Value: false}}
}

// LoadStateDict takes the state and the settings of one.
func (o *SGD) LoadStateDict(d pt.Dict) error {
	return o.load(d, func(of pt.Dict) error {
		number(of, "lr", &o.LearningRate)
		number(of, "momentum", &o.Momentum)
		number(of, "dampening", &o.Dampening)
		number(of, "weight_decay", &o.WeightDecay)
		o.Nesterov, _ = value[bool](of, "nesterov")
		return nil
	})
}

// AdamW is torch.optim.AdamW (amsgrad off): Adam with the weight decay taken from
// the parameters themselves (arXiv 1711.05101). Its fields may be changed at any
// time.
type AdamW struct {
	LearningRate float64
	Beta1, Beta2 float64 // 0.9, 0.999
	Epsilon      float64 // 1e-8
	WeightDecay  float64 // 0.01
	group
}

// NewAdamW makes an optimiser with PyTorch's defaults. The caller closes it.
func NewAdamW(parameters []Parameter, learningRate float64) *AdamW {
	return &AdamW{LearningRate: learningRate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8,
		WeightDecay: 0.01,
		group:       newGroup(parameters, "exp_avg", "exp_avg_sq")}
}

// Step updates the parameters from their gradients.
func (o *AdamW) Step() {
	o.step("adamw", 2, func(p []C.Tensor, state [][]C.Tensor, steps []C.int64_t) *C.char {
		return C.latent_adamw_step(unsafe.SliceData(p), unsafe.SliceData(state[0]),
			unsafe.SliceData(state[1]), unsafe.SliceData(steps),
			C.int64_t(len(p)), C.double(o.LearningRate), C.double(o.Beta1), C.double(o.Beta2),
			C.double(o.Epsilon), C.double(o.WeightDecay))
	})
}

// Rate is where the learning rate is.
func (o *AdamW) Rate() *float64 { return &o.LearningRate }

// StateDict is that of torch.optim.AdamW.
func (o *AdamW) StateDict() (pt.Dict, error) {
	return o.stateDict(adamSettings(o.LearningRate, o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay),
		true)
}

// LoadStateDict takes the state and the settings of one.
func (o *AdamW) LoadStateDict(d pt.Dict) error {
	return o.load(d, func(of pt.Dict) error {
		loadAdamSettings(of, &o.LearningRate, &o.Beta1, &o.Beta2, &o.Epsilon, &o.WeightDecay)
		return nil
	})
}

func adamSettings(learningRate, beta1, beta2, epsilon, weightDecay float64) pt.Dict {
	return pt.Dict{{Key: "lr", Value: learningRate}, {Key: "betas", Value: []any{beta1, beta2}},
		{Key: "eps", Value: epsilon},
		{Key: "weight_decay", Value: weightDecay}, {Key: "amsgrad",
			Value: false}, {Key: "maximize", Value: false},
		{Key: "foreach", Value: nil}, {Key: "capturable", Value: false}, {Key: "differentiable",
			Value: false}, {Key: "fused", Value: nil}}
}

func loadAdamSettings(of pt.Dict, learningRate, beta1, beta2, epsilon, weightDecay *float64) {
	number(of, "lr", learningRate)
	number(of, "eps", epsilon)
	number(of, "weight_decay", weightDecay)
	if betas, _ := value[[]any](of, "betas"); len(betas) == 2 {
		number(pt.Dict{{Key: "1", Value: betas[0]}}, "1", beta1)
		number(pt.Dict{{Key: "2", Value: betas[1]}}, "2", beta2)
	}
}

// Adadelta is torch.optim.Adadelta (arXiv 1212.5701). Its fields may be changed at
// any time.
type Adadelta struct {
	LearningRate float64
	Rho          float64 // 0.9
	Epsilon      float64 // 1e-6
	WeightDecay  float64 // an L2 term in the gradient
	group
}

// NewAdadelta makes an optimiser with PyTorch's defaults, whose learning rate is 1.
// The caller closes it.
func NewAdadelta(parameters []Parameter, learningRate float64) *Adadelta {
	return &Adadelta{LearningRate: learningRate, Rho: 0.9, Epsilon: 1e-6,
		group: newGroup(parameters, "square_avg", "acc_delta")}
}

// Step updates the parameters from their gradients.
func (o *Adadelta) Step() {
	o.step("adadelta", 2, func(p []C.Tensor, state [][]C.Tensor, _ []C.int64_t) *C.char {
		return C.latent_adadelta_step(unsafe.SliceData(p), unsafe.SliceData(state[0]),
			unsafe.SliceData(state[1]), C.int64_t(len(p)),
			C.double(o.LearningRate), C.double(o.Rho), C.double(o.Epsilon),
			C.double(o.WeightDecay))
	})
}

// Rate is where the learning rate is.
func (o *Adadelta) Rate() *float64 { return &o.LearningRate }

// StateDict is that of torch.optim.Adadelta.
func (o *Adadelta) StateDict() (pt.Dict, error) {
	return o.stateDict(pt.Dict{{Key: "lr", Value: o.LearningRate}, {Key: "rho", Value: o.Rho},
		{Key: "eps", Value: o.Epsilon},
		{Key: "weight_decay", Value: o.WeightDecay}, {Key: "foreach",
			Value: nil}, {Key: "maximize", Value: false},
		{Key: "capturable", Value: false}, {Key: "differentiable", Value: false}}, true)
}

// LoadStateDict takes the state and the settings of one.
func (o *Adadelta) LoadStateDict(d pt.Dict) error {
	return o.load(d, func(of pt.Dict) error {
		number(of, "lr", &o.LearningRate)
		number(of, "rho", &o.Rho)
		number(of, "eps", &o.Epsilon)
		number(of, "weight_decay", &o.WeightDecay)
		return nil
	})
}
