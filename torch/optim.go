//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"latent/torch/pt"
)

// Optimizer changes parameters by their gradients.
type Optimizer interface {
	ZeroGrad() // drops all gradients, as zero_grad(set_to_none=True)
	Step()     // parameters without a gradient stay as they are
	// Rate is where the learning rate is: schedules write to it.
	Rate() *float64
	// StateDict is what PyTorch's optimiser of that name calls so, and loads.
	StateDict() (pt.Dict, error)
	LoadStateDict(d pt.Dict) error
	Close() // frees the state
}

// group is what all optimisers have: parameters, and for each some tensors of its
// shape, made with zeros at its first step, as PyTorch makes them.
type group struct {
	parameters []Parameter
	names      []string    // of the tensors, in the state_dict
	tensors    [][]*Tensor // by name, then by parameter; nil before its first step
	steps      []int       // taken by each parameter
}

func newGroup(parameters []Parameter, names ...string) group {
	g := group{parameters: parameters, names: names, steps: make([]int, len(parameters))}
	for range names {
		g.tensors = append(g.tensors, make([]*Tensor, len(parameters)))
	}
	return g
}

// ZeroGrad drops all gradients, as zero_grad(set_to_none=True).
func (g *group) ZeroGrad() { ZeroGrad(g.parameters) }

// ZeroGrad drops the gradients of parameters.
func ZeroGrad(parameters []Parameter) {
	list := parameterHandles(parameters)
	check("zero_grad", C.latent_zero_grad(unsafe.SliceData(list), C.int64_t(len(list))))
	runtime.KeepAlive(parameters)
}

func parameterHandles(parameters []Parameter) []C.Tensor {
	list := make([]C.Tensor, len(parameters))
	for i, p := range parameters {
		list[i] = p.c()
	}
	return list
}

// Close frees the optimiser's state.
func (g *group) Close() {
	for _, list := range g.tensors {
		for i, t := range list {
			t.Close()
			list[i] = nil
		}
	}
}

// step calls f for all parameters that have a gradient, with the first `used` of
// their tensors and the number of steps that these have taken.
func (g *group) step(op string, used int,
	f func(parameters []C.Tensor, state [][]C.Tensor, steps []C.int64_t) *C.char) {
	var parameters []C.Tensor
	var steps []C.int64_t
	state := make([][]C.Tensor, len(g.names))
	for i, p := range g.parameters {
		var has C.bool
		check(op, C.latent_has_grad(p.c(), &has))
		if !has {
			continue
		}
		for k := range used {
			if g.tensors[k][i] == nil {
				g.tensors[k][i], g.steps[i] = g.zeros(p), 0
			}
			state[k] = append(state[k], g.tensors[k][i].c())
		}
		g.steps[i]++
		parameters, steps = append(parameters, p.c()), append(steps, C.int64_t(g.steps[i]))
	}
	if len(parameters) > 0 {
		check(op, f(parameters, state, steps))
	}
	runtime.KeepAlive(g)
}

func (g *group) zeros(p Parameter) (t *Tensor) {
	if err := NoGrad(
		func(s *Scope) { t = s.Keep((&Tensor{p: p.p, g: p.g, scope: s}).ZerosLike()) }); err !=
		nil {
		panic(err)
	}
	return t
}

// stateDict is PyTorch's: the tensors of the parameters that have any, by their
// numbers, and one group of settings.
func (g *group) stateDict(settings pt.Dict, hasStep bool) (d pt.Dict, err error) {
	err = Do(func(*Scope) {
		var state pt.IntDict
		numbers := []any{}
		for i := range g.parameters {
			numbers = append(numbers, int64(i))
			if g.steps[i] == 0 {
				continue
			}
			var of pt.Dict
			if hasStep {
				of = append(of,
					pt.Item{Key: "step",
						Value: pt.Tensor{Shape: []int{}, Data: []float32{float32(g.steps[i])}}})
			}
			for k, name := range g.names {
				if t := g.tensors[k][i]; t != nil {
					of = append(of, pt.Item{Key: name, Value: t.Export()})
				}
			}
			if len(of) > 0 {
				state = append(state, pt.Item{Key: fmt.Sprint(i), Value: of})
			}
		}
		settings = append(settings, pt.Item{Key: "params", Value: numbers})
		d = pt.Dict{{Key: "state", Value: state}, {Key: "param_groups", Value: []any{settings}}}
	})
	return d, err
}

// load puts back what stateDict, or PyTorch, made; settings is told the group's.
func (g *group) load(d pt.Dict, settings func(pt.Dict) error) error {
	const op = "load_state_dict"
	return Do(func(s *Scope) {
		groups, _ := get[[]any](d, "param_groups")
		if len(groups) != 1 {
			panic(&Error{op, fmt.Sprintf("%d param_groups, want 1", len(groups))})
		}
		of, _ := groups[0].(pt.Dict)
		if numbers, _ := get[[]any](of, "params"); len(numbers) != len(g.parameters) {
			panic(&Error{op,
				fmt.Sprintf("a state of %d parameters, there are %d", len(numbers),
					len(g.parameters))})
		}
		state, err := get[pt.Dict](d, "state")
		if numbered, ok := value[pt.IntDict](d, "state"); ok { // of stateDict, never written
			state, err = pt.Dict(numbered), nil
		}
		if err != nil {
			panic(err)
		}
		steps, made := make([]int, len(g.parameters)), newGroup(g.parameters, g.names...)
		for i, p := range g.parameters {
			of, ok := value[pt.Dict](state, fmt.Sprint(i))
			if !ok {
				continue
			}
			steps[i] = stepOf(of)
			for k, name := range g.names {
				x, ok := value[pt.Tensor](of, name)
				if !ok {
					continue
				}
				if got, want := fmt.Sprint(x.Shape), fmt.Sprint(p.Shape()); got != want {
					panic(&Error{op,
						fmt.Sprintf("%s of parameter %d (%s) has shape %s, want %s", name, i,
							p.Name, got, want)})
				}
				made.tensors[k][i] = s.Keep(Import(s, x))
			}
		}
		if err := settings(of); err != nil {
			made.Close()
			panic(&Error{op, err.Error()})
		}
		g.Close()
		g.tensors, g.steps = made.tensors, steps
	})
}

// stepOf is a parameter's number of steps, at least 1: a number in PyTorch 1.11,
// a tensor since. SGD has none.
func stepOf(of pt.Dict) int {
	v, _ := of.Get("step")
	switch v := v.(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	case pt.Tensor:
		if data, ok := v.Data.([]float32); ok && len(data) == 1 {
			return int(data[0])
		}
		if data, ok := v.Data.([]int64); ok && len(data) == 1 {
			return int(data[0])
		}
	}
	return 1
}

func value[T any](d pt.Dict, key string) (T, bool) {
	v, _ := d.Get(key)
	t, ok := v.(T)
	return t, ok
}

func get[T any](d pt.Dict, key string) (t T, err error) {
	t, ok := value[T](d, key)
	if !ok {
		return t, &Error{"load_state_dict", "no " + key}
	}
	return t, nil
}

// number reads a setting, a float or an integer, into place where it is there.
func number(d pt.Dict, key string, place *float64) {
	switch v, _ := d.Get(key); v := v.(type) {
	case float64:
		*place = v
	case int64:
		*place = float64(v)
	}
}

// ClipGradNorm is torch.nn.utils.clip_grad_norm_: it scales all gradients so that
// their 2-norm together is at most maxNorm, and returns what it was.
func ClipGradNorm(parameters []Parameter, maxNorm float64) float64 {
	list := parameterHandles(parameters)
	var norm C.double
	check("clip_grad_norm_",
		C.latent_clip_grad_norm(unsafe.SliceData(list), C.int64_t(len(list)), C.double(maxNorm),
			&norm))
	runtime.KeepAlive(parameters)
	return float64(norm)
}

// ClipGradValue is torch.nn.utils.clip_grad_value_: it limits every element of the
// gradients to [-value, value].
func ClipGradValue(parameters []Parameter, value float64) {
	list := parameterHandles(parameters)
	check("clip_grad_value_",
		C.latent_clip_grad_value(unsafe.SliceData(list), C.int64_t(len(list)), C.double(value)))
	runtime.KeepAlive(parameters)
}

// StepLR is torch.optim.lr_scheduler.StepLR: every Size calls of Step the learning
// rate is multiplied by Gamma.
type StepLR struct {
	Optimizer Optimizer
	Size      int     // at least 1
	Gamma     float64 // PyTorch's default is 0.1
	epoch     int
}

// Step ends an epoch.
func (l *StepLR) Step() {
	l.epoch++
	if l.Size > 0 && l.epoch%l.Size == 0 {
		*l.Optimizer.Rate() *= l.Gamma
	}
}

// CosineAnnealingLR is torch.optim.lr_scheduler.CosineAnnealingLR: in Epochs calls
// of Step the learning rate falls along half a cosine from what it was to Least.
type CosineAnnealingLR struct {
	Optimizer Optimizer
	Epochs    int     // T_max, at least 1
	Least     float64 // eta_min
	first     float64
	epoch     int
}

// Step ends an epoch. The formula is PyTorch's, from one epoch to the next.
func (l *CosineAnnealingLR) Step() {
	rate := l.Optimizer.Rate()
	if l.epoch == 0 {
		l.first = *rate
	}
	l.epoch++
	at := func(epoch int) float64 { return 1 + math.Cos(math.Pi*float64(epoch)/float64(l.Epochs)) }
	if (l.epoch-1-l.Epochs)%(2*l.Epochs) == 0 {
		*rate += (l.first - l.Least) * (1 - math.Cos(math.Pi/float64(l.Epochs))) / 2
		return
	}
	*rate = at(l.epoch)/at(l.epoch-1)*(*rate-l.Least) + l.Least
}
