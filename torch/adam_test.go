//go:build linux && cgo

package torch

import (
	"fmt"
	"math"
	"testing"

	gotorch "github.com/wangkuiyi/gotorch"
)

// goldenAdam is ten steps of torch.optim.Adam on given gradients; the last
// parameter has none.
type goldenAdam struct {
	WeightDecay float64 `json:"weight_decay"`
	LR          float64
	Start       []*goldenTensor
	Gradients   [][]*goldenTensor
	After       [][]*goldenTensor
	ExpAvg      []*goldenTensor `json:"exp_avg"`
	ExpAvgSq    []*goldenTensor `json:"exp_avg_sq"`
}

// parameters makes the golden's parameters, transposed ones if asked, for which the one pass over
// memory is not taken.
func (g *goldenAdam) parameters(s *Scope, transposed bool) []Parameter {
	var list []Parameter
	for i, start := range g.Start {
		p := start.in(s)
		if transposed && len(start.Shape) == 2 {
			p = s.Float32s(make([]float32, p.Len()), start.Shape[1], start.Shape[0]).T()
			CopyFrom(p, start.float32s())
			p.RequiresGrad(true)
		}
		list = append(list, Parameter{fmt.Sprint(i), p})
	}
	return list
}

// setGradients gives the parameters these gradients: those of sum(p * g).
func setGradients(s *Scope, a *Adam, parameters []Parameter, gradients []*goldenTensor) {
	a.ZeroGrad()
	for i, g := range gradients {
		parameters[i].Mul(s.Float32s(g.float32s(), g.Shape...)).Sum().Backward()
	}
}

func TestAdamIsPyTorchs(t *testing.T) {
	for _, g := range readGolden(t).Adam {
		for _, transposed := range []bool{false, true} {
			name := fmt.Sprintf("decay=%g/transposed=%v", g.WeightDecay, transposed)
			t.Run(name, func(t *testing.T) {
				do(t, func(s *Scope) {
					parameters := g.parameters(s, transposed)
					a, err := NewAdam(parameters, g.LR, g.WeightDecay)
					if err != nil {
						t.Fatal(err)
					}
					defer a.Close()
					for k, gradients := range g.Gradients {
						setGradients(s, a, parameters, gradients)
						a.Step()
						for i, want := range g.After[k] {
							near(t, fmt.Sprintf("step %d, parameter %d", k+1, i),
								parameters[i].Tensor, want, 3e-7)
						}
					}
					m, v, err := a.State()
					if err != nil || a.Steps() != len(g.Gradients) {
						t.Fatalf("%d steps (%v)", a.Steps(), err)
					}
					for i := range g.ExpAvg {
						nearValues(t, "exp_avg", m[i], g.ExpAvg[i].float32s(), 1e-6)
						nearValues(t, "exp_avg_sq", v[i], g.ExpAvgSq[i].float32s(), 1e-6)
					}
					nearValues(t, "exp_avg of no gradient", m[2], []float32{0, 0}, 0)
				})
			})
		}
	}
}

// An optimiser that is given another's state goes on with its bits.
func TestAdamStateGoesOn(t *testing.T) {
	g := readGolden(t).Adam[1]
	do(t, func(s *Scope) {
		var end [2][]float32
		for k, cut := range []int{len(g.Gradients), 4} {
			parameters := g.parameters(s, false)
			a, err := NewAdam(parameters, g.LR, g.WeightDecay)
			if err != nil {
				t.Fatal(err)
			}
			for i, gradients := range g.Gradients {
				if i == cut {
					m, v, err := a.State()
					if err != nil {
						t.Fatal(err)
					}
					steps := a.Steps()
					a.Close()
					a.Close() // does nothing
					if a, err = NewAdam(parameters, g.LR, g.WeightDecay); err != nil {
						t.Fatal(err)
					}
					if err := a.SetState(steps, m, v); err != nil {
						t.Fatal(err)
					}
				}
				setGradients(s, a, parameters, gradients)
				a.Step()
			}
			a.Close()
			for _, p := range parameters {
				end[k] = append(end[k], p.Float32s()...)
			}
		}
		nearValues(t, "parameters", end[1], end[0], 0)
	})
}

// Weights that are not finite have moments that are zero, not NaN.
func TestAdamOfBadWeights(t *testing.T) {
	inf := float32(math.Inf(1))
	do(t, func(s *Scope) {
		p := Parameter{"p",
			s.Float32s([]float32{inf, float32(math.NaN()), -1}, 3).RequiresGrad(true)}
		a, err := NewAdam([]Parameter{p}, 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		m, v, err := a.State()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range append(m[0], v[0]...) {
			if math.Float32bits(x) != 0 {
				t.Errorf("a moment starts at %v", x)
			}
		}
	})
}

func TestAdamErrors(t *testing.T) {
	do(t, func(s *Scope) {
		p := Parameter{"p", s.Float32s([]float32{1, 2}, 2).RequiresGrad(true)}
		a, err := NewAdam([]Parameter{p}, 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.SetState(1, [][]float32{{1, 2, 3}}, [][]float32{{1, 2}}); err == nil {
			t.Error("a moment of another size was taken")
		}
		if err := a.SetState(1, nil, nil); err == nil {
			t.Error("no moments were taken")
		}
		closed := Parameter{"closed", &Tensor{g: gotorch.Tensor{}}}
		if a, err := NewAdam([]Parameter{p, closed}, 1e-3, 0); err == nil || a != nil {
			t.Errorf("an optimiser of a closed parameter: %v", err)
		}
	})
}
