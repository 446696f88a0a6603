//go:build linux && cgo

package torch

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// Whatever libtorch throws comes out of Do as an *Error of one line that names the operation, and
// the lines behind it do not run.
func TestExceptionsAreErrors(t *testing.T) {
	const huge = 1 << 58 // times four bytes: more than there is
	for _, c := range []struct {
		name, op, message string
		f                 func(s *Scope, a *Tensor) // a is 2 x 3
	}{
		{"shape", "add", "size of tensor",
			func(s *Scope, a *Tensor) { a.Add(s.Float32s(make([]float32, 8), 2, 4)) }},
		{"shape", "sub", "size of tensor",
			func(s *Scope, a *Tensor) { a.Sub(s.Float32s(make([]float32, 8), 2, 4)) }},
		{"shape", "mul", "size of tensor",
			func(s *Scope, a *Tensor) { a.Mul(s.Float32s(make([]float32, 8), 2, 4)) }},
		{"shape", "div", "size of tensor",
			func(s *Scope, a *Tensor) { a.Div(s.Float32s(make([]float32, 8), 2, 4)) }},
		{"shape", "matmul", "shapes cannot be multiplied",
			func(s *Scope, a *Tensor) { a.MatMul(a) }},
		{"shape", "mse_loss", "differ in shape", func(s *Scope, a *Tensor) { MSELoss(a, a.T()) }},
		{"shape", "linear", "does not fit",
			func(s *Scope, a *Tensor) { NewSequential(Linear(4, 2)).Forward(a) }},
		{"shape", "linear", "does not fit",
			func(s *Scope, a *Tensor) { NewSequential(Linear(3, 2)).Forward(a.Sum()) }},
		{"shape", "reshape", "invalid for input", func(s *Scope, a *Tensor) { a.Reshape(4, 2) }},
		{"two unknown sizes", "reshape", "only one dimension",
			func(s *Scope, a *Tensor) { a.Reshape(-1, -1) }},
		{"shape", "cat", "",
			func(s *Scope, a *Tensor) { Cat(0, a, s.Float32s(make([]float32, 4), 2, 2)) }},
		{"nothing", "cat", "non-empty", func(s *Scope, a *Tensor) { Cat(0) }},
		{"shape", "affine_grid", "", func(s *Scope, a *Tensor) { AffineGrid(a, 1, 2, 2) }},
		{"shape", "grid_sample", "", func(s *Scope, a *Tensor) { GridSample(a, a) }},
		{"shape", "from", "do not fill",
			func(s *Scope, a *Tensor) { s.Float32s(make([]float32, 5), 2, 3) }},
		{"negative shape", "from", "negative dimension",
			func(s *Scope, a *Tensor) { s.Float32s(make([]float32, 6), -2, -3) }},
		{"shape beyond all", "from", "", func(s *Scope, a *Tensor) { s.Float32s(nil, 1<<62, 4) }},
		{"size", "copy", "has 6 elements, not 5",
			func(s *Scope, a *Tensor) { CopyTo(make([]float32, 5), a) }},
		{"size", "copy_", "has 6 elements, not 7",
			func(s *Scope, a *Tensor) { CopyFrom(a, make([]float32, 7)) }},
		{"size", "item", "", func(s *Scope, a *Tensor) { a.Item() }},
		{"range", "sum", "Dimension out of range", func(s *Scope, a *Tensor) { a.SumDim(2) }},
		{"range", "normalize", "Dimension out of range",
			func(s *Scope, a *Tensor) { a.Normalize(5) }},
		{"range", "transpose", "Dimension out of range",
			func(s *Scope, a *Tensor) { a.Transpose(0, 2) }},
		{"range", "narrow", "", func(s *Scope, a *Tensor) { a.Slice(0, 1, 4) }},
		{"backwards", "narrow", "", func(s *Scope, a *Tensor) { a.Slice(0, 1, 0) }},
		{"range", "index_select", "out of range",
			func(s *Scope, a *Tensor) { a.Rows(From(s, "cpu", []int64{0, 2}, 2)) }},
		{"negative row", "index_select", "out of range",
			func(s *Scope, a *Tensor) { a.Rows(From(s, "cpu", []int64{-1}, 1)) }},
		{"range", "pixels", "row 9 of 2",
			func(s *Scope, a *Tensor) { bytes(s).Pixels(From(s, "cpu", []int64{1, 9}, 2)) }},
		{"negative row", "pixels", "row -1 of 2",
			func(s *Scope, a *Tensor) { bytes(s).Pixels(From(s, "cpu", []int64{-1}, 1)) }},
		{"dtype", "pixels", "byte matrix",
			func(s *Scope, a *Tensor) { a.Pixels(From(s, "cpu", []int64{0}, 1)) }},
		{"dtype", "index_select", "",
			func(s *Scope, a *Tensor) { a.Rows(s.Float32s([]float32{0}, 1)) }},
		{"dtype", "matmul", "", func(s *Scope, a *Tensor) { a.MatMul(bytes(s).T()) }},
		{"dtype", "mean", "", func(s *Scope, a *Tensor) { bytes(s).Mean() }},
		{"dtype", "normalize", "", func(s *Scope, a *Tensor) { bytes(s).Normalize(1) }},
		{"dtype", "requires_grad_", "floating point",
			func(s *Scope, a *Tensor) { a.EyeMask(2).RequiresGrad(true) }},
		{"negative size", "eye", "", func(s *Scope, a *Tensor) { a.EyeMask(-1) }},
		{"memory", "uniform_", "memory", func(s *Scope, a *Tensor) { s.Uniform(a, 0, 1, huge) }},
		{"memory", "eye", "memory", func(s *Scope, a *Tensor) { a.EyeMask(1 << 30) }},
		{"range", "uniform_", "", func(s *Scope, a *Tensor) { s.Uniform(a, 1, 0, 3) }},
		{"memory", "linear", "memory", func(s *Scope, a *Tensor) { Linear(1<<29, 1<<29) }},
		{"size", "linear", "negative dimension", func(s *Scope, a *Tensor) { Linear(3, -1) }},
		{"device", "from", "", func(s *Scope, a *Tensor) { From(s, "vax", []float32{1}, 1) }},
		{"device", "to", "", func(s *Scope, a *Tensor) { a.To("cuda:77") }},
		{"not a leaf", "requires_grad_", "leaf",
			func(s *Scope, a *Tensor) { a.RequiresGrad(true).Add(a).RequiresGrad(false) }},
		{"not a scalar", "backward", "scalar",
			func(s *Scope, a *Tensor) { a.RequiresGrad(true).Add(a).Backward() }},
		{"no history", "backward", "does not require grad",
			func(s *Scope, a *Tensor) { a.Sum().Backward() }},
		{"twice", "backward", "second time", func(s *Scope, a *Tensor) {
			y := a.RequiresGrad(true).Exp().Sum()
			y.Backward()
			y.Backward()
		}},
		{"twice", "backward", "second time", func(s *Scope, a *Tensor) {
			y := MSELoss(a.RequiresGrad(true), a.Detach().Scale(2, 0))
			y.Backward()
			y.Backward()
		}},
		{"twice", "backward", "second time", func(s *Scope, a *Tensor) {
			y := NewSequential(Linear(3, 2), ReLU()).Forward(a).Sum()
			y.Backward()
			y.Backward()
		}},
		{"closed", "tensor", "closed", func(s *Scope, a *Tensor) { a.Close(); a.Exp() }},
		{"closed", "tensor", "closed", func(s *Scope, a *Tensor) { a.Close(); a.Sum() }},
		{"closed", "tensor", "closed", func(s *Scope, a *Tensor) { a.Close(); a.Shape() }},
		{"closed", "tensor", "closed",
			func(s *Scope, a *Tensor) { b := a.Exp(); a.Close(); b.Add(a) }},
		{"closed", "tensor", "closed",
			func(s *Scope, a *Tensor) { b := a.Exp(); a.Close(); Cat(0, b, a) }},
		{"closed", "tensor", "closed", func(s *Scope, a *Tensor) { a.Close(); a.Float32s() }},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			ran := false
			err := Do(func(s *Scope) {
				c.f(s, s.Float32s([]float32{1, 2, 3, 4, 5, 6}, 2, 3))
				ran = true
			})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Op != c.op ||
				!strings.Contains(strings.ToLower(e.Message), strings.ToLower(c.message)) {
				t.Errorf("%v, want one of %s with %q", err, c.op, c.message)
			}
			if text := err.Error(); strings.ContainsAny(text, "\n") ||
				!strings.HasPrefix(text, "torch: "+c.op+": ") || e.Message == "" {
				t.Errorf("error %q is not one line with package and operation", text)
			}
			if ran {
				t.Error("what stands behind the failed operation ran")
			}
		})
	}
}

// Every operation on a tensor that libtorch calls undefined, which nothing can be done with, is
// refused, not a crash.
func TestUndefinedTensors(t *testing.T) {
	refused := func(name string, f func(s *Scope, undefined *Tensor)) {
		t.Helper()
		err := Do(func(s *Scope) {
			g := s.Float32s([]float32{1}, 1).g.Grad() // gotorch's: there is no gradient
			f(s, s.adopt(g))
		})
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, g := range readGolden(t).Operations {
		if p := g.Parameters; g.Op == "eye_mask" || g.Op == "scale" && p.Factor == 1 &&
			p.Offset == 0 {
			continue // the values are not looked at
		}
		refused(g.Op, func(s *Scope, undefined *Tensor) {
			in := []*Tensor{undefined}
			for _, x := range g.Inputs[1:] {
				in = append(in, x.in(s))
			}
			g.run(in)
		})
	}
	refused("detach", func(s *Scope, u *Tensor) { u.Detach().Exp() })
	refused("zeros_like", func(s *Scope, u *Tensor) { u.ZerosLike() })
	refused("item", func(s *Scope, u *Tensor) { u.Item() })
	refused("to", func(s *Scope, u *Tensor) { u.To("cpu") })
	refused("requires_grad_", func(s *Scope, u *Tensor) { u.RequiresGrad(true) })
	refused("backward", func(s *Scope, u *Tensor) { u.Backward() })
	refused("copy", func(s *Scope, u *Tensor) { CopyTo(make([]float32, 1), u) })
	refused("copy_", func(s *Scope, u *Tensor) { CopyFrom(u, make([]float32, 1)) })
	refused("set device", func(s *Scope, u *Tensor) {
		if err := (Parameter{"p", u}).SetDevice("cpu"); err != nil {
			panic(err)
		}
	})
	refused("adam", func(s *Scope, u *Tensor) {
		p := s.Float32s([]float32{1}, 1).RequiresGrad(true)
		a, err := NewAdam([]Parameter{{"p", p}}, 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		p.Scale(2, 0).Backward()
		a.expAvg[0].Close()
		a.expAvg[0] = u
		a.Step()
	})
	refused("adam's parameter", func(s *Scope, u *Tensor) {
		a := &Adam{parameters: []Parameter{{"p", u}}, expAvg: []*Tensor{u}, expAvgSq: []*Tensor{u}}
		a.ZeroGrad()
		a.Step()
	})
}

func bytes(s *Scope) *Tensor { return From(s, "cpu", []uint8{1, 2, 3, 4, 5, 6}, 2, 3) }

// On a machine without a GPU all that asks for one is refused.
func TestNoGPU(t *testing.T) {
	if i, err := GetInfo(); err != nil || i.CUDA {
		t.Skip("there is a GPU, or ", err)
	}
	if err := Do(func(s *Scope) { From(s, "cuda", []float32{1}, 1) }); err == nil {
		t.Error("data went to a GPU")
	}
	if err := Do(func(s *Scope) { s.Float32s([]float32{1}, 1).To("cuda") }); err == nil {
		t.Error("a tensor went to a GPU")
	}
	for _, p := range NewSequential(Linear(2, 2)).Parameters("") {
		if err := p.SetDevice("cuda"); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("a parameter went to a GPU: %v", err)
		}
		if err := p.SetDevice("cpu"); err != nil {
			t.Error(err)
		}
	}
}

func TestInfo(t *testing.T) {
	i, err := GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(i.Version, ".") || !strings.Contains(i.Path, "libtorch") ||
		i.Threads != DefaultThreads() || i.BLAS == "" {
		t.Errorf("%+v", i)
	}
	if i.CUDA != (i.CUDADevices > 0) {
		t.Errorf("CUDA %v with %d devices", i.CUDA, i.CUDADevices)
	}
	if err := Init(0); err == nil {
		t.Error("no threads were accepted")
	}
	if err := Init(DefaultThreads()); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"cpu": "cpu", "cuda:99": "", "vax": "", "meta": "",
		"cpu:x": "", "cuda:-2": ""} {
		if got, err := Device(name); got != want || (err == nil) != (want != "") || err != nil &&
			strings.Contains(err.Error(), "\n") {
			t.Errorf("Device(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "auto"} {
		if got, err := Device(name); err != nil || got != "cpu" && !i.CUDA || got != "cuda" &&
			i.CUDA {
			t.Errorf("Device(%q) = %q, %v", name, got, err)
		}
	}
	if err := SetTF32(false); err != nil {
		t.Error(err)
	}
	FastBF16("cpu")
	if FastBF16("vax") {
		t.Error("bfloat16 is fast on a device that does not exist")
	}
}

func TestGeneratorErrors(t *testing.T) {
	if _, err := RandPerm(-1); err == nil {
		t.Error("a permutation of -1")
	}
	if _, err := RandPermSeeded(math.MinInt, 0); err == nil {
		t.Error("a seeded permutation of the least number")
	}
	state, err := RNGState()
	if err != nil {
		t.Fatal(err)
	}
	before := stateHash(t)
	garbage := make([]byte, len(state))
	for i := range garbage {
		garbage[i] = 0xff
	}
	for name, bad := range map[string][]byte{"nothing": nil, "short": state[:100],
		"long": append(state[:len(state):len(state)], 1), "garbage": garbage} {
		if err := SetRNGState(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s was taken as a state: %v", name, err)
		}
	}
	if stateHash(t) != before {
		t.Error("a refused state changed the generator")
	}
}
