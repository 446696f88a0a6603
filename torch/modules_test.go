//go:build linux && cgo

// Above 400 lines: one table of every module, held against PyTorch's.

package torch

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/torch/pt"
)

// net is golden Net: names by field, a slice of modules, a parameter and a buffer of its own.
type net struct {
	Conv1, Norm1 Module
	Layers       []Module
	FcOut        *Sequential
	Scale        *Tensor
	Offset       *Tensor `torch:",buffer"`
}

func newNet() *net {
	n := &net{Conv1: Conv2d(1, 4, 3, Conv{}), Norm1: BatchNorm2d(4)}
	n.Layers = []Module{Linear(36, 8), Linear(8, 8)}
	n.FcOut = NewSequential(ReLU(), Linear(8, 3))
	n.Scale = made(func(s *Scope) *Tensor { return s.Ones(3).RequiresGrad(true) })
	n.Offset = made(func(s *Scope) *Tensor { return s.Zeros(3) })
	return n
}

func (n *net) Forward(x *Tensor) *Tensor {
	x = n.Norm1.Forward(n.Conv1.Forward(x)).ReLU()
	x = x.MaxPool2d(Pool{Kernel: []int{2}}).Flatten(1, -1)
	for _, l := range n.Layers {
		x = l.Forward(x).Tanh()
	}
	return n.FcOut.Forward(x).Mul(n.Scale).Add(n.Offset)
}

var goldenModules = map[string]func() Module{
	"linear":              func() Module { return Linear(3, 4) },
	"linear without bias": func() Module { return LinearNoBias(3, 4) },
	"conv2d": func() Module {
		return Conv2d(2, 4, 3,
			Conv{Stride: []int{2}, Padding: []int{1}})
	},
	"conv2d in groups": func() Module { return Conv2d(2, 4, 3, Conv{Groups: 2, NoBias: true}) },
	"conv_transpose2d": func() Module {
		return ConvTranspose2d(2, 4, 3,
			Conv{Stride: []int{2}, Padding: []int{1}, OutputPadding: []int{1}})
	},
	"batch_norm1d": func() Module { return BatchNorm1d(3) },
	"batch_norm2d": func() Module { return BatchNorm2d(2) },
	"layer_norm":   func() Module { return LayerNorm(3, 4) },
	"net":          func() Module { return newNet() },
}

type moduleGolden struct {
	Modules []struct {
		Name                      string
		Names                     []string
		Initial, After, Gradients map[string]*tableTensor
		X, Y, Upstream, Evaluated *tableTensor
		XGrad                     *tableTensor `json:"x_grad"`
	}
	Optimizers []struct {
		Name      string
		Start     []*tableTensor
		Gradients [][]*tableTensor
		After     [][]*tableTensor
		State     struct {
			State    map[string]map[string]json.RawMessage
			Settings map[string]any
		}
	}
	Schedules []struct {
		Name  string
		Rates []float64
	}
	Clipping []struct {
		Most, Norm float64
		Gradients  []*tableTensor
		ByNorm     []*tableTensor `json:"by_norm"`
		ByValue    []*tableTensor `json:"by_value"`
	}
}

// bothVersions runs a test on the goldens of both PyTorch versions.
func bothVersions(t *testing.T, f func(t *testing.T, g moduleGolden)) {
	for _, version := range []string{"1.13", "2.11"} {
		t.Run(version, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "torch-"+version, "modules.json"))
			if err != nil {
				t.Fatal(err)
			}
			var g moduleGolden
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			f(t, g)
		})
	}
}

// Modules start from PyTorch's weights bit for bit, by its names in its order, compute its outputs
// and gradients, and keep its running statistics.
func TestModulesArePyTorchs(t *testing.T) {
	bothVersions(t, func(t *testing.T, g moduleGolden) {
		for _, c := range g.Modules {
			t.Run(c.Name, func(t *testing.T) {
				if err := ManualSeed(7); err != nil {
					t.Fatal(err)
				}
				do(t, func(s *Scope) {
					m := goldenModules[c.Name]()
					same := func(what string, want map[string]*tableTensor, tol float64) {
						d, err := StateDict(m)
						if err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(d.Keys(), c.Names) {
							t.Errorf("names %v, PyTorch's %v", d.Keys(), c.Names)
						}
						for _, item := range d {
							want[item.Key].compare(t, what+" "+item.Key,
								Import(s, item.Value.(pt.Tensor)), tol)
						}
					}
					same("initial", c.Initial, 0)
					x := c.X.in(s).RequiresGrad(true)
					y := m.Forward(x)
					c.Y.compare(t, "output", y, 2e-6)
					y.Mul(c.Upstream.in(s)).Sum().Backward()
					c.XGrad.compare(t, "gradient of x", x.Grad(s), 5e-6)
					parameters := Parameters(m)
					if len(parameters) != len(c.Gradients) {
						t.Errorf("%d parameters, PyTorch's %d", len(parameters), len(c.Gradients))
					}
					for _, p := range parameters {
						c.Gradients[p.Name].compare(t, "gradient of "+p.Name, p.Grad(s), 5e-6)
					}
					Eval(m)
					c.Evaluated.compare(t, "output of evaluation", m.Forward(x), 2e-6)
					same("after", c.After, 1e-6)
					Train(m)
					Free(m)
					if err := Do(func(*Scope) { m.Forward(x) }); err == nil {
						t.Error("a freed module computes")
					}
				})
			})
		}
	})
}

var goldenOptimizers = map[string]func(p []Parameter) Optimizer{
	"sgd": func(p []Parameter) Optimizer { return NewSGD(p, 0.1) },
	"sgd with decay": func(p []Parameter) Optimizer {
		o := NewSGD(p,
			0.1)
		o.WeightDecay = 0.05
		return o
	},
	"sgd with momentum": func(p []Parameter) Optimizer {
		o := NewSGD(p, 0.1)
		o.Momentum, o.Dampening, o.WeightDecay = 0.9, 0.1, 0.05
		return o
	},
	"sgd with nesterov": func(p []Parameter) Optimizer {
		o := NewSGD(p, 0.1)
		o.Momentum, o.Nesterov = 0.9, true
		return o
	},
	"adam": func(p []Parameter) Optimizer {
		o, err := NewAdam(p, 0.02, 0.1)
		if err != nil {
			panic(err)
		}
		o.Beta1, o.Beta2, o.Epsilon = 0.8, 0.9, 1e-6
		return o
	},
	"adamw":    func(p []Parameter) Optimizer { return NewAdamW(p, 0.02) },
	"adadelta": func(p []Parameter) Optimizer { return NewAdadelta(p, 1) },
	"adadelta with decay": func(p []Parameter) Optimizer {
		o := NewAdadelta(p, 0.5)
		o.Rho, o.WeightDecay = 0.8, 0.1
		return o
	},
}

// setGrads gives parameters these gradients, nil for none.
func setGrads(s *Scope, parameters []Parameter, gradients []*tableTensor) {
	ZeroGrad(parameters)
	for i, g := range gradients {
		if g != nil {
			parameters[i].Mul(g.in(s)).Sum().Backward()
		}
	}
}

// Optimisers take PyTorch's steps; half-way their state goes through a state_dict, and what they
// end with is PyTorch's.
func TestOptimizersArePyTorchs(t *testing.T) {
	bothVersions(t, func(t *testing.T, g moduleGolden) {
		for _, c := range g.Optimizers {
			t.Run(c.Name, func(t *testing.T) {
				do(t, func(s *Scope) {
					var parameters []Parameter
					for i, p := range c.Start {
						parameters = append(parameters,
							Parameter{fmt.Sprint(i), p.in(s).RequiresGrad(true)})
					}
					o := goldenOptimizers[c.Name](parameters)
					defer func() { o.Close() }()
					for k, gradients := range c.Gradients {
						setGrads(s, parameters, gradients)
						o.Step()
						for i, want := range c.After[k] {
							want.compare(t, fmt.Sprintf("parameter %d after step %d", i, k),
								parameters[i].Tensor, 2e-6)
						}
						if k != 2 {
							continue
						}
						d, err := o.StateDict()
						if err != nil {
							t.Fatal(err)
						}
						o.Close()
						o = goldenOptimizers[c.Name](parameters)
						*o.Rate() = 77 // the dict's is put in its place
						if err := o.LoadStateDict(throughFile(t, d)); err != nil {
							t.Fatal(err)
						}
					}
					d, err := o.StateDict()
					if err != nil {
						t.Fatal(err)
					}
					compareState(t, s, d, c.State.State, c.State.Settings)
				})
			})
		}
	})
}

func throughFile(t *testing.T, d pt.Dict) pt.Dict {
	path := filepath.Join(t.TempDir(), "state.pt")
	if err := pt.WriteFile(path, d); err != nil {
		t.Fatal(err)
	}
	v, err := pt.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return v.(pt.Dict)
}

func compareState(t *testing.T, s *Scope, d pt.Dict, state map[string]map[string]json.RawMessage,
	settings map[string]any) {
	d = throughFile(t, d)
	got, _ := value[pt.Dict](d, "state")
	for number, want := range state {
		of, ok := value[pt.Dict](got, number)
		if !ok && len(want) > 0 {
			t.Errorf("no state of parameter %s", number)
		}
		for name, text := range want {
			var g tableTensor
			// PyTorch 1.13's step may be a number
			if err := json.Unmarshal(text, &g); err != nil || g.Dtype == "" {
				continue
			}
			x, ok := value[pt.Tensor](of, name)
			if !ok {
				t.Errorf("parameter %s has no %s", number, name)
				continue
			}
			g.compare(t, number+" "+name, Import(s, x), 2e-6)
		}
	}
	groups, _ := value[[]any](d, "param_groups")
	for key, want := range settings {
		v, _ := groups[0].(pt.Dict).Get(key)
		if n, ok := v.(int64); ok {
			v = float64(n)
		}
		if list, ok := v.([]any); ok {
			for i := range list {
				if n, ok := list[i].(int64); ok {
					list[i] = float64(n)
				}
			}
		}
		if n, ok := want.(float64); ok && v != nil {
			if f, ok := v.(float64); !ok || math.Abs(f-n) > 1e-12 {
				t.Errorf("%s is %v, PyTorch's %v", key, v, want)
			}
		} else if fmt.Sprint(v) != fmt.Sprint(want) {
			t.Errorf("%s is %v, PyTorch's %v", key, v, want)
		}
	}
}

func TestSchedulesArePyTorchs(t *testing.T) {
	bothVersions(t, func(t *testing.T, g moduleGolden) {
		for _, c := range g.Schedules {
			o := NewSGD(nil, 0.8)
			schedule := map[string]interface{ Step() }{
				"step":   &StepLR{Optimizer: o, Size: 2, Gamma: 0.7},
				"cosine": &CosineAnnealingLR{Optimizer: o, Epochs: 5, Least: 0.01},
			}[c.Name]
			for i, want := range c.Rates {
				if math.Abs(o.LearningRate-want) > 1e-14 {
					t.Errorf("%s: rate %d is %v, PyTorch's %v", c.Name, i, o.LearningRate, want)
				}
				schedule.Step()
			}
		}
	})
}

func TestClippingIsPyTorchs(t *testing.T) {
	bothVersions(t, func(t *testing.T, g moduleGolden) {
		for _, c := range g.Clipping {
			do(t, func(s *Scope) {
				parameters := []Parameter{{"a", s.Zeros(3, 2).RequiresGrad(true)},
					{"b", s.Zeros(4).RequiresGrad(true)}, {"none", s.Zeros(2).RequiresGrad(true)}}
				setGrads(s, parameters, c.Gradients)
				if norm := ClipGradNorm(parameters, c.Most); math.Abs(norm-c.Norm) > 1e-6*c.Norm {
					t.Errorf("norm %g, PyTorch's %g", norm, c.Norm)
				}
				for i, want := range c.ByNorm {
					want.compare(t, "by norm", parameters[i].Grad(s), 1e-6)
				}
				setGrads(s, parameters, c.Gradients)
				ClipGradValue(parameters, c.Most)
				for i, want := range c.ByValue {
					want.compare(t, "by value", parameters[i].Grad(s), 0)
				}
			})
		}
	})
}

func TestStateDictErrors(t *testing.T) {
	do(t, func(s *Scope) {
		m := NewSequential(Linear(2, 3))
		good, err := StateDict(m)
		if err != nil {
			t.Fatal(err)
		}
		for want, d := range map[string]pt.Dict{
			"missing key 0.bias": good[:1],
			"unexpected key extra": append(slices.Clone(good),
				pt.Item{Key: "extra", Value: good[0].Value}),
			"0.weight has shape":     {{Key: "0.weight", Value: good[1].Value}, good[1]},
			"0.bias is not a tensor": {good[0], {Key: "0.bias", Value: "text"}},
		} {
			before := m.Parameters("")[0].Float32s()
			if err := LoadStateDict(m, d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
			if !slices.Equal(before, m.Parameters("")[0].Float32s()) {
				t.Error("a refused state_dict changed the model")
			}
		}
		o := NewAdamW(m.Parameters(""), 0.1)
		defer o.Close()
		for _, d := range []pt.Dict{nil,
			{{Key: "param_groups",
				Value: []any{pt.Dict{{Key: "params", Value: []any{int64(0)}}}}}}} {
			if err := o.LoadStateDict(d); err == nil {
				t.Errorf("%v was taken as an optimiser's state", d)
			}
		}
	})
	type hidden struct{ conv Module }
	for name, m := range map[string]any{"must be exported": &hidden{Tanh()}, "nested": func() any {
		type loop struct {
			Self *loop
			M    Module
		}
		l := &loop{}
		l.Self = l
		return l
	}()} {
		if err := Do(func(*Scope) { Parameters(m) }); err == nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	for name, want := range map[string]string{"Conv1": "conv1", "FcMean": "fc_mean",
		"BatchNorm2": "batch_norm2", "MLP": "mlp", "MLPHead": "mlp_head", "X": "x"} {
		if got := snakeCase(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// A model and an optimiser that were saved here give the same outputs and steps in Python, under
// weights_only, and back.
func TestPythonContinues(t *testing.T) {
	dir := t.TempDir()
	do(t, func(s *Scope) {
		m := NewSequential(Linear(3, 4), Tanh(), Linear(4, 2))
		o := NewSGD(m.Parameters(""), 0.1)
		o.Momentum = 0.9
		defer o.Close()
		x := s.Randn(5, 3)
		step := func() {
			o.ZeroGrad()
			m.Forward(x).Square().Mean().Backward()
			o.Step()
		}
		step()
		step()
		d, err := o.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		model, err := StateDict(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := pt.WriteFile(filepath.Join(dir, "checkpoint.pt"),
			pt.Dict{{Key: "model", Value: model}, {Key: "optimizer", Value: d},
				{Key: "x", Value: x.Export()}}); err != nil {
			t.Fatal(err)
		}
		step()
		const script = `
import sys
try:
    import torch
except ImportError:
    sys.exit(77)
c = torch.load(sys.argv[1] + "/checkpoint.pt", **({"weights_only": True} if torch.__version__ >= "2" else {}))
m = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
m.load_state_dict(c["model"])
o = torch.optim.SGD(m.parameters(), lr=1.0)
o.load_state_dict(c["optimizer"])
m(c["x"]).square().mean().backward()
o.step()
torch.save({"model": m.state_dict(), "optimizer": o.state_dict()}, sys.argv[1] + "/back.pt")
`
		for _, python := range []string{os.Getenv("LATENT_PYTHON"), "python3",
			"/usr/bin/python3"} {
			if python == "" {
				continue
			}
			out, err := exec.Command(python, "-c", script, dir).CombinedOutput()
			if err != nil {
				if e, ok := err.(*exec.ExitError); ok && e.ExitCode() == 77 {
					continue
				}
				t.Fatalf("%v\n%s", err, out)
			}
			v, err := pt.ReadFile(filepath.Join(dir, "back.pt"))
			if err != nil {
				t.Fatal(err)
			}
			theirs, _ := value[pt.Dict](v.(pt.Dict), "model")
			for _, p := range m.Parameters("") {
				x, _ := value[pt.Tensor](theirs, p.Name)
				nearValues(t, p.Name, p.Float32s(), x.Data.([]float32), 1e-6)
			}
			optimizer, _ := value[pt.Dict](v.(pt.Dict), "optimizer")
			if err := o.LoadStateDict(optimizer); err != nil {
				t.Error(err)
			}
			return
		}
		t.Skip("no Python with torch here")
	})
}
