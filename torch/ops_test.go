//go:build linux && cgo

package torch

import (
	"fmt"
	"testing"
)

// goldenOperation is one operation of PyTorch's: outputs, and the gradients of
// sum(outputs[0] * upstream) for the float inputs.
type goldenOperation struct {
	Op         string
	Parameters struct {
		Dim, Dim0, Dim1, N, H, W, Start, End int
		Factor, Offset                       float64
		Shape                                []int
		ReLU                                 bool
	}
	Inputs, Outputs, Grads []*goldenTensor
	Upstream               *goldenTensor
}

// run applies the wrapper's operation of that name.
func (g *goldenOperation) run(in []*Tensor) []*Tensor {
	p, a := g.Parameters, in[0]
	one := func(t *Tensor) []*Tensor { return []*Tensor{t} }
	switch g.Op {
	case "add":
		return one(a.Add(in[1]))
	case "sub":
		return one(a.Sub(in[1]))
	case "mul":
		return one(a.Mul(in[1]))
	case "div":
		return one(a.Div(in[1]))
	case "transpose":
		if p.Dim0 == 0 && p.Dim1 == 1 {
			return one(a.T())
		}
		return one(a.Transpose(p.Dim0, p.Dim1))
	case "sum":
		return one(a.Sum())
	case "mean":
		return one(a.Mean())
	case "relu":
		return one(a.ReLU())
	case "sum_dim":
		return one(a.SumDim(p.Dim))
	case "normalize":
		return one(a.Normalize(p.Dim))
	case "exp":
		return one(a.Exp())
	case "log":
		return one(a.Log())
	case "softplus":
		return one(a.Softplus())
	case "cos":
		return one(a.Cos())
	case "sin":
		return one(a.Sin())
	case "scale":
		return one(a.Scale(p.Factor, p.Offset))
	case "matmul":
		return one(a.MatMul(in[1]))
	case "eye_mask":
		return one(a.EyeMask(p.N))
	case "reshape":
		return one(a.Reshape(p.Shape...))
	case "rows":
		return one(a.Rows(in[1]))
	case "pixels":
		return one(a.Pixels(in[1]))
	case "slice":
		return one(a.Slice(p.Dim, p.Start, p.End))
	case "cat":
		return one(Cat(p.Dim, in...))
	case "affine_grid":
		return one(AffineGrid(a, p.N, p.H, p.W))
	case "grid_sample":
		return one(GridSample(a, in[1]))
	case "mse_loss":
		return one(MSELoss(a, in[1]))
	case "linear":
		return one(fused(a, in[1], in[2], p.ReLU))
	default:
		panic("no such operation: " + g.Op)
	}
}

func TestOperationsArePyTorchs(t *testing.T) {
	for i, g := range readGolden(t).Operations {
		t.Run(fmt.Sprintf("%s/%d", g.Op, i), func(t *testing.T) {
			do(t, func(s *Scope) {
				in := make([]*Tensor, len(g.Inputs))
				for i, x := range g.Inputs {
					in[i] = x.in(s)
				}
				out := g.run(in)
				for i, want := range g.Outputs {
					near(t, fmt.Sprintf("output %d", i), out[i], want, 1e-6)
				}
				if g.Upstream == nil {
					return
				}
				out[0].Mul(s.Float32s(g.Upstream.float32s(), g.Upstream.Shape...)).Sum().Backward()
				for i, want := range g.Grads {
					if want == nil {
						continue
					}
					got := in[i].Grad(s)
					if got == nil {
						t.Errorf("no gradient of input %d", i)
						continue
					}
					near(t, fmt.Sprintf("gradient %d", i), got, want, 1e-6)
				}
			})
		})
	}
}

// goldenChain is a Sequential: initial weights after a seed, a forward pass, and
// the gradients of its mean squared error.
type goldenChain struct {
	Names          []string
	Initial, Grads []*goldenTensor
	X, Output      *goldenTensor
	Loss           *goldenTensor
	XGrad          *goldenTensor `json:"x_grad"`
}

func TestSequentialIsPyTorchs(t *testing.T) {
	g := readGolden(t).Chain
	if err := ManualSeed(7); err != nil {
		t.Fatal(err)
	}
	var q *Sequential
	do(t, func(s *Scope) {
		q = NewSequential(ReLU(), Linear(6, 5), ReLU(), Linear(5, 3), Linear(3, 6))
		x := g.X.in(s)
		y := q.Forward(x)
		near(t, "output", y, g.Output, 1e-6)
		loss := MSELoss(y, x.Detach())
		near(t, "loss", loss, g.Loss, 1e-6)
		loss.Backward()
		near(t, "gradient of x", x.Grad(s), g.XGrad, 1e-6)
		for i, p := range q.Parameters("net.") {
			if p.Name != "net."+g.Names[i] {
				t.Errorf("parameter %d is %s, PyTorch's net.%s", i, p.Name, g.Names[i])
			}
			near(t, p.Name, p.Tensor, g.Initial[i], 0)
			near(t, "gradient of "+p.Name, p.Grad(s), g.Grads[i], 1e-6)
		}
	})
}

func TestDetachAndItem(t *testing.T) {
	do(t, func(s *Scope) {
		x := s.Float32s([]float32{3}, 1).RequiresGrad(true)
		y := x.Mul(x.Detach())
		if v := y.Item(); v != 9 {
			t.Errorf("item %v, want 9", v)
		}
		y.Backward()
		if g := x.Grad(s).Item(); g != 3 {
			t.Errorf("gradient %v, want 3: detach cuts one of two ways", g)
		}
		if x.Detach().Grad(s) != nil {
			t.Error("a tensor without a gradient has one")
		}
		if x.RequiresGrad(false); !s.Float32s(nil, 0).same(0) {
			t.Error("an empty tensor is not empty")
		}
	})
}

func (t *Tensor) same(n int) bool { return t.Len() == n && len(t.Float32s()) == n }

func TestCopies(t *testing.T) {
	do(t, func(s *Scope) {
		x := From(s, "cpu", []int64{1, 2, 3, 4, 5, 6}, 2, 3)
		floats := make([]float32, 6)
		CopyTo(floats, x.T()) // in C order, though x.T() is not contiguous, and converted
		if want := "[1 4 2 5 3 6]"; fmt.Sprint(floats) != want {
			t.Errorf("copied %v, want %s", floats, want)
		}
		y := s.Float32s(make([]float32, 6), 3, 2)
		CopyFrom(y.T(), []int64{1, 2, 3, 4, 5, 6}) // y.T() shares y's memory
		if want := "[1 4 2 5 3 6]"; fmt.Sprint(y.Float32s()) != want {
			t.Errorf("y %v, want %s", y.Float32s(), want)
		}
		source := []float32{1, 2}
		z := s.Float32s(source, 2)
		source[0] = 7
		if z.Float32s()[0] != 1 {
			t.Error("a tensor shares memory with the slice it was made from")
		}
		bytes := make([]uint8, 4)
		CopyTo(bytes, z.EyeMask(2))
		if want := "[1 0 0 1]"; fmt.Sprint(bytes) != want {
			t.Errorf("mask %v, want %s", bytes, want)
		}
		if d := z.To("cpu"); d.Float32s()[1] != 2 {
			t.Error("to the device where it is: other values")
		}
		p := s.Float32s([]float32{1, 2}, 2).RequiresGrad(true)
		CopyFrom(p, []float32{3, 4}) // a leaf that requires a gradient may be overwritten
		if p.Float32s()[1] != 4 {
			t.Error("a parameter was not overwritten")
		}
	})
}
