//go:build linux && cgo

package torch

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(firstUse); name != "" {
		if err := useFirst(name); err != nil {
			panic(err)
		}
		return
	}
	if err := Init(DefaultThreads()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// goldenTensor is a tensor in testdata/golden.json, written by torch/testdata/golden.py.
type goldenTensor struct {
	Shape []int
	Dtype string
	Data  []float64
}

func (g *goldenTensor) float32s() []float32 { return convert[float32](g.Data) }

// in makes the tensor in a scope; floats record gradients.
func (g *goldenTensor) in(s *Scope) *Tensor {
	switch g.Dtype {
	case "int64":
		return From(s, "cpu", convert[int64](g.Data), g.Shape...)
	case "uint8":
		return From(s, "cpu", convert[uint8](g.Data), g.Shape...)
	default:
		return s.Float32s(g.float32s(), g.Shape...).RequiresGrad(true)
	}
}

func convert[T ~float32 | ~float64 | ~int64 | ~int32 | ~uint8](values []float64) []T {
	list := make([]T, len(values))
	for i, v := range values {
		list[i] = T(v)
	}
	return list
}

type goldenFile struct {
	Operations []goldenOperation
	Chain      goldenChain
	Adam       []goldenAdam
	Generator  []goldenGenerator
}

func readGolden(t testing.TB) goldenFile {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g goldenFile
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// do runs f in a scope and fails the test on an error.
func do(t testing.TB, f func(s *Scope)) {
	t.Helper()
	if err := Do(f); err != nil {
		t.Fatal(err)
	}
}

// near fails unless got is golden in shape and, within tol relative to the
// largest magnitude, in its values.
func near(t testing.TB, what string, got *Tensor, want *goldenTensor, tol float64) {
	t.Helper()
	if shape := got.Shape(); !slices.Equal(shape, want.Shape) {
		t.Errorf("%s: shape %v, PyTorch's %v", what, shape, want.Shape)
		return
	}
	nearValues(t, what, got.Float32s(), want.float32s(), tol)
}

func nearValues(t testing.TB, what string, got, want []float32, tol float64) {
	t.Helper()
	if d := difference(got, want); !(d <= tol) {
		t.Errorf("%s: off by %.1e relative: %v, want %v", what, d, short(got), short(want))
	}
}

// difference is the largest absolute difference relative to the largest finite
// magnitude of want; equal infinities and two NaN differ by nothing.
func difference(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst, size := 0.0, 0.0
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			size = max(size, finite(w))
			continue
		}
		if finite(g) != math.Abs(g) || finite(w) != math.Abs(w) {
			return math.Inf(1)
		}
		worst, size = max(worst, math.Abs(g-w)), max(size, math.Abs(w))
	}
	if worst == 0 {
		return 0
	}
	return worst / max(size, math.SmallestNonzeroFloat32)
}

// finite is |v|, 0 where v is not finite.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Abs(v)
}

func short(x []float32) string {
	if len(x) > 12 {
		return fmt.Sprint(x[:12], "...")
	}
	return fmt.Sprint(x)
}
