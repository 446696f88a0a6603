package tsne

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Eigenvalues are gonum's, and the vectors are orthonormal and belong to them.
func TestEigenSymmetric(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name string
		n    int
		at   func(i, j int) float64
	}{
		{"one", 1, func(i, j int) float64 { return -3 }},
		{"zero", 4, func(i, j int) float64 { return 0 }},
		{"diagonal", 5,
			func(i, j int) float64 { return map[bool]float64{true: float64(i % 3)}[i == j] }},
		{"ones", 24, func(i, j int) float64 { return 1 }},
		{"random", 144, func(i, j int) float64 { return rng.NormFloat64() }},
		{"graded", 24,
			func(i, j int) float64 { return math.Pow(10, -float64(i+j)/2) * rng.NormFloat64() }},
		{"large", 24, func(i, j int) float64 { return 1e70 * rng.NormFloat64() }},
		{"small", 24, func(i, j int) float64 { return 1e-70 * rng.NormFloat64() }},
	} {
		a, v, size := mat.NewSymDense(c.n, nil), make([][]float64, c.n), 0.0
		for i := range v {
			v[i] = make([]float64, c.n)
			for j := range i + 1 {
				x := c.at(i, j)
				v[i][j], v[j][i], size = x, x, max(size, math.Abs(x))
				a.SetSym(i, j, x)
			}
		}
		values, ok := eigenSymmetric(v)
		var eig mat.EigenSym
		if !ok || !eig.Factorize(a, false) {
			t.Fatalf("%s: no eigenvalues", c.name)
		}
		tol := 1e-13 * float64(c.n)
		for i, want := range eig.Values(nil) {
			if at := c.n - 1 - i; math.Abs(values[at]-want) > tol*size {
				t.Errorf("%s: eigenvalue %d is %v: gonum's is %v", c.name, at, values[at], want)
			}
		}
		for i, u := range v {
			for j, w := range v {
				if got := dot(u, w); math.Abs(got-map[bool]float64{true: 1}[i == j]) > tol {
					t.Fatalf("%s: the product of eigenvectors %d and %d is %v", c.name, i, j, got)
				}
			}
			for j := range u {
				var sum float64
				for k, x := range u {
					sum += a.At(j, k) * x
				}
				if math.Abs(sum-values[i]*u[j]) > tol*size {
					t.Fatalf("%s: vector %d is none", c.name, i)
				}
			}
		}
	}
	if _, ok := eigenSymmetric([][]float64{{1, math.NaN()}, {math.NaN(), 1}}); ok {
		t.Error("eigenvalues of NaN")
	}
}
