package tsne

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// The functions are math's to the last digit, and give the bits that math's gave on amd64.
func TestElementaryFunctionsAreMaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name      string
		own, math func(x float64) float64
		value     func() float64
		want      uint64 // of Go 1.26 on amd64
	}{
		{"exp", exp, math.Exp, func() float64 { return (rng.Float64() - 0.52) * 1450 },
			0x64170ebad72e4dcb},
		{"exp of little", exp, math.Exp,
			func() float64 { return -20 * rng.Float64() * rng.Float64() }, 0x53a6fc6814122af5},
		{"log", log, math.Log,
			func() float64 { return math.Ldexp(1+rng.Float64(), rng.IntN(2000)-1000) },
			0x61860d1a14b3f9ff},
		{"log near 1", log, math.Log, func() float64 { return 0.5 + rng.Float64() },
			0x9100cc3997badb3b},
		{"power", func(x float64) float64 { return power(x, x/2) },
			func(x float64) float64 { return math.Pow(x, x/2) },
			func() float64 { return 2 * rng.Float64() }, 0xfbe234c3fb33fd0},
	} {
		h := fnv.New64a()
		for range 20_000 {
			x := c.value()
			got, want := c.own(x), c.math(x)
			if got != want && math.Abs(got-want) > 0x1p-51*math.Abs(want)+5e-324 {
				t.Fatalf("%s of %v is %v: math's is %v", c.name, x, got, want)
			}
			_ = binary.Write(h, binary.LittleEndian, got)
		}
		if got := h.Sum64(); got != c.want {
			t.Errorf("%s: the hash is %#x: want %#x", c.name, got, c.want)
		}
	}
	for _, x := range []float64{math.Inf(1), math.Inf(-1), 0, 710, -745.2, -746, -1e300, 5e-324} {
		if got, want := exp(x), math.Exp(x); got != want {
			t.Errorf("exp of %v is %v: want %v", x, got, want)
		}
	}
	if got := exp(math.NaN()); got == got {
		t.Errorf("exp of NaN is %v", got)
	}
	for _, x := range []float64{0, math.Inf(1), 1, math.MaxFloat64, math.Sqrt2 / 2} {
		if got, want := log(x), math.Log(x); got != want {
			t.Errorf("log of %v is %v: want %v", x, got, want)
		}
	}
}

// Four at a time, or one by one where some are out of range: the same bits.
func TestExps(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 40 {
		got, want := make([]float64, n), make([]float64, n)
		for i := range got {
			x := 40 * (rng.Float64() - 0.9)
			switch rng.IntN(12) {
			case 0:
				x = 1600 * (rng.Float64() - 0.5)
			case 1:
				x = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -708, 709, 709.5, -708.5,
					-745.1}[rng.IntN(9)]
			}
			got[i], want[i] = x, exp(x)
		}
		exps(got)
		for i := range got {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) && want[i] == want[i] {
				t.Fatalf("%d values, number %d: %v, want %v", n, i, got[i], want[i])
			}
		}
	}
}
