//go:build linux && cgo

package torch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/torch/internal/opgen"
)

// tableOperation is an operation of operations.table as the tests call it.
type tableOperation struct {
	torch, since string
	kinds        []string // of the arguments, as the table writes them
	call         func(s *Scope, arguments []any) []*Tensor
}

func tensor(a any) *Tensor {
	if a == nil {
		return nil
	}
	return a.(*Tensor)
}

func tensors(a any) []*Tensor   { return a.([]*Tensor) }
func integer(a any) int         { return a.(int) }
func integers(a any) []int      { return a.([]int) }
func float(a any) float64       { return a.(float64) }
func dtype(a any) DType         { return a.(DType) }
func reduction(a any) Reduction { return a.(Reduction) }

// The generated files are what the table gives.
func TestGenerated(t *testing.T) {
	table, err := os.ReadFile("operations.table")
	if err != nil {
		t.Fatal(err)
	}
	files, err := opgen.Generate(string(table))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what operations.table gives (%v); run go generate ./torch", path,
				err)
		}
	}
}

// values are numbers of any type; JSON has "nan", "inf" and "-inf" for those that it lacks.
type values []float64

func (v *values) UnmarshalJSON(b []byte) error {
	var list []any
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, x := range list {
		switch x := x.(type) {
		case float64:
			*v = append(*v, x)
		case bool:
			*v = append(*v, map[bool]float64{true: 1}[x])
		case string:
			var f float64
			if _, err := fmt.Sscan(x, &f); err != nil {
				return err
			}
			*v = append(*v, f)
		}
	}
	return nil
}

type tableTensor struct {
	Shape []int
	Dtype string
	Data  values
}

func (g *tableTensor) in(s *Scope) *Tensor {
	x := From(s, "cpu", []float64(g.Data), g.Shape...)
	for _, d := range allTypes {
		if d.String() == g.Dtype {
			return x.ToType(d).Detach()
		}
	}
	panic("golden of type " + g.Dtype)
}

var allTypes = []DType{Uint8Type, Int8Type, Int16Type, Int32Type, Int64Type, Float16Type,
	Float32Type, Float64Type, BoolType, BFloat16Type}

type tableCase struct {
	Op        string
	Arguments []struct {
		Tensor  *tableTensor
		Tensors []*tableTensor
		Value   any
	}
	Seed      *int64
	Outputs   []*tableTensor
	Upstream  *tableTensor
	Gradients []*tableTensor
	Refused   bool
}

// arguments makes the case's arguments for the kinds of its operation, and lists its tensors.
// Floats record gradients if the case has a gradient of theirs.
func (c *tableCase) arguments(s *Scope, kinds []string) (args []any, leaves []*Tensor) {
	leaf := func(g *tableTensor) *Tensor {
		x := g.in(s)
		if len(leaves) < len(c.Gradients) && c.Gradients[len(leaves)] != nil {
			x.RequiresGrad(true)
		}
		leaves = append(leaves, x)
		return x
	}
	for i, a := range c.Arguments {
		switch {
		case a.Tensor != nil:
			args = append(args, leaf(a.Tensor))
			continue
		case a.Tensors != nil:
			var list []*Tensor
			for _, g := range a.Tensors {
				list = append(list, leaf(g))
			}
			args = append(args, list)
			continue
		}
		number, _ := a.Value.(float64)
		switch kinds[i] {
		case "T?":
			args = append(args, nil)
		case "int":
			args = append(args, int(number))
		case "ints", "int...":
			list := []int{}
			for _, v := range a.Value.([]any) {
				list = append(list, int(v.(float64)))
			}
			args = append(args, list)
		case "float", "scalar":
			args = append(args, number)
		case "dtype":
			args = append(args, DType(number))
		case "reduction":
			if a.Value == nil {
				number = float64(ReduceMean)
			}
			args = append(args, Reduction(number))
		default:
			args = append(args, a.Value)
		}
	}
	return args, leaves
}

func readTable(t testing.TB, version string) []tableCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "torch-"+version, "operations.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []tableCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// libtorchIsOlder says whether this libtorch is older than a version such as "2.0".
func libtorchIsOlder(t testing.TB, version string) bool {
	i, err := GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	var have, want [2]int
	fmt.Sscanf(i.Version, "%d.%d", &have[0], &have[1])
	fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	return slices.Compare(have[:], want[:]) < 0
}

// closeValues fails unless two lists agree to tol relative to the largest magnitude; NaN and
// infinities must be at the same places.
func closeValues(t testing.TB, what string, got, want []float64, tol float64) {
	t.Helper()
	size, worst := 5e-2, 0.0
	for i := range want {
		g, w := got[i], want[i]
		switch {
		case g == w || math.IsNaN(g) && math.IsNaN(w):
		case finite(g) != math.Abs(g) || finite(w) != math.Abs(w):
			worst = math.Inf(1)
		default:
			worst = max(worst, math.Abs(g-w))
		}
		size = max(size, finite(w))
	}
	if worst > tol*size {
		t.Errorf("%s: off by %.1e: %v, want %v", what, worst/size, got[:min(len(got), 12)],
			want[:min(len(want), 12)])
	}
}

func (g *tableTensor) compare(t testing.TB, what string, got *Tensor, tol float64) {
	t.Helper()
	if shape, dtype := got.describe(); !slices.Equal(shape, g.Shape) || dtype.String() != g.Dtype {
		t.Errorf("%s: %v of %v, PyTorch's %s of %v", what, dtype, shape, g.Dtype, g.Shape)
		return
	}
	data, want := make([]float64, len(g.Data)), g.Data
	// the file has the shortest decimals that read back as the same float32
	if g.Dtype == "float32" {
		want = slices.Clone(want)
		for i, v := range want {
			want[i] = float64(float32(v))
		}
	}
	CopyTo(data, got)
	closeValues(t, what, data, want, tol)
}

// Every operation of the table gives PyTorch's values, element types and gradients, and refuses
// what PyTorch refuses with an error that names it. The goldens are both versions', whichever
// libtorch this is.
func TestTableIsPyTorchs(t *testing.T) {
	reached := map[string]bool{}
	for _, version := range []string{"1.13", "2.11"} {
		for i, c := range readTable(t, version) {
			o, ok := operations[c.Op]
			if !ok {
				t.Errorf("no operation %s", c.Op)
				continue
			}
			reached[c.Op] = true
			t.Run(fmt.Sprintf("%s/%s/%d", version, c.Op, i), func(t *testing.T) {
				if libtorchIsOlder(t, o.since) {
					err := Do(func(s *Scope) {
						args, _ := c.arguments(s, o.kinds)
						o.call(s, args)
					})
					if err == nil || !strings.Contains(err.Error(), "needs libtorch "+o.since) {
						t.Errorf("on an older libtorch: %v", err)
					}
					return
				}
				if c.Refused {
					checkRefused(t, o,
						func(s *Scope) { args, _ := c.arguments(s, o.kinds); o.call(s, args) })
					return
				}
				if c.Seed != nil {
					if i, _ := GetInfo(); version == "1.13" != strings.HasPrefix(i.Version,
						"1.13") {
						t.Skip("random numbers of another build")
					}
					if err := ManualSeed(*c.Seed); err != nil {
						t.Fatal(err)
					}
				}
				do(t, func(s *Scope) { c.run(t, s, o) })
			})
		}
	}
	for name := range operations {
		if !reached[name] {
			t.Errorf("no golden reaches %s", name)
		}
	}
}

func (c *tableCase) run(t *testing.T, s *Scope, o tableOperation) {
	args, leaves := c.arguments(s, o.kinds)
	if c.Seed != nil { // the copies drew nothing, but libtorch may
		if err := ManualSeed(*c.Seed); err != nil {
			t.Fatal(err)
		}
	}
	out := o.call(s, args)
	if len(out) != len(c.Outputs) {
		t.Fatalf("%d outputs, PyTorch's %d", len(out), len(c.Outputs))
	}
	for i, want := range c.Outputs {
		want.compare(t, fmt.Sprintf("output %d", i), out[i], 2e-6)
	}
	if !slices.ContainsFunc(c.Gradients, func(g *tableTensor) bool { return g != nil }) {
		return
	}
	out[0].Mul(c.Upstream.in(s)).Sum().Backward()
	for i, want := range c.Gradients {
		got := leaves[i].Grad(s)
		if want == nil || got == nil {
			if (want == nil) != (got == nil) {
				t.Errorf("gradient %d: %v, want %v", i, got, want)
			}
			continue
		}
		want.compare(t, fmt.Sprintf("gradient %d", i), got, 5e-6)
	}
}

// checkRefused fails unless f ends with one line that names the operation.
func checkRefused(t *testing.T, o tableOperation, f func(s *Scope)) {
	t.Helper()
	err := Do(f)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	if e.Op != o.torch || e.Message == "" || strings.Contains(e.Message, "\n") {
		t.Errorf("%q is not one line that names %s", err, o.torch)
	}
}

// A closed tensor in any place is an error of every operation, and so is a nil one where none may
// be.
func TestTableRefusesClosedTensors(t *testing.T) {
	done := map[string]bool{}
	for _, c := range readTable(t, "2.11") {
		o := operations[c.Op]
		if c.Refused || done[c.Op] || libtorchIsOlder(t, o.since) {
			continue
		}
		done[c.Op] = true
		for i := range c.Arguments {
			if c.Arguments[i].Tensor == nil && c.Arguments[i].Tensors == nil {
				continue
			}
			for _, what := range []string{"closed", "nil"} {
				if what == "nil" && o.kinds[i] == "T?" {
					continue
				}
				err := Do(func(s *Scope) {
					args, _ := c.arguments(s, o.kinds)
					switch a := args[i].(type) {
					case *Tensor:
						a.Close()
						if what == "nil" {
							args[i] = (*Tensor)(nil)
						}
					case []*Tensor:
						a[0].Close()
						if what == "nil" {
							a[0] = nil
						}
					}
					o.call(s, args)
				})
				if err == nil || !strings.Contains(err.Error(), what) {
					t.Errorf("%s of a %s tensor: %v", c.Op, what, err)
				}
			}
		}
	}
}
