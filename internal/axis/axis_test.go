package axis

import (
	"math"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{-110, 95, "−100 −75 −50 −25 0 25 50 75"}, {0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"}, {-59, 1240,
			"0 200 400 600 800 1000 1200"},
		{1e7, 9e7, "2×10^7 4×10^7 6×10^7 8×10^7"}, {-2e-6, 3e-6,
			"−2×10^−6 −1×10^−6 0 1×10^−6 2×10^−6 3×10^−6"},
	} {
		var got []string
		for _, tick := range Linear(test.low, test.high, 9) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != strings.ReplaceAll(test.want, "0.0", "0") {
			t.Errorf("ticks from %v to %v: %q, want %q", test.low, test.high, s, test.want)
		}
	}
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{0.009, 0.13, "10^−2 10^−1"}, {0.012, 0.12,
			"2×10^−2 3×10^−2 4×10^−2 6×10^−2 10^−1"}, {1e-12, 1e3,
			"10^−12 10^−10 10^−8 10^−6 10^−4 10^−2 10^0 10^2"},
		{0.011, 0.9, "2×10^−2 5×10^−2 10^−1 2×10^−1 5×10^−1"}, {2, 7,
			"2×10^0 3×10^0 4×10^0 5×10^0 6×10^0 7×10^0"}, {1.9, 2.1, "1.90 1.95 2.00 2.05 2.10"},
	} {
		var got []string
		for _, tick := range Log(test.low, test.high) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("log ticks from %v to %v: %q, want %q", test.low, test.high, s, test.want)
		}
	}
}

func TestWholeTicks(t *testing.T) {
	for _, test := range []struct{ high, count float64 }{{1, 2}, {5, 6}, {59, 6}, {29500, 6}} {
		ticks := Whole(0, test.high, 6)
		if float64(len(ticks)) > test.count || len(ticks) < 2 {
			t.Errorf("to %v: %v", test.high, ticks)
		}
		for _, tick := range ticks {
			if tick.Value != math.Trunc(tick.Value) || tick.Value < 0 || tick.Value > test.high {
				t.Errorf("to %v: a tick at %v", test.high, tick.Value)
			}
		}
	}
}

func TestThin(t *testing.T) {
	values := make([]float64, 29500)
	for i := range values {
		values[i] = 2
	}
	values[12345], values[20000], values[7] = 50, 0, math.NaN()
	got := Thin(values, 1000)
	if len(got) > 1000 || got[0].First != 0 || got[len(got)-1].Last != 29499 {
		t.Fatalf("%d stretches from %d to %d", len(got), got[0].First, got[len(got)-1].Last)
	}
	high, low, at := 0.0, math.Inf(1), 0
	for i, s := range got {
		if s.Max > high {
			high, at = s.Max, s.MaxAt
		}
		low = min(low, s.Min)
		if i > 0 && s.First != got[i-1].Last+1 {
			t.Errorf("a stretch from %d follows one to %d", s.First, got[i-1].Last)
		}
	}
	if high != 50 || low != 2 || at != 12345 {
		t.Errorf("range %v to %v, the greatest at %d; want 2 to 50 at 12345", low, high, at)
	}
	if got := Thin([]float64{0, -1, math.Inf(1)}, 1000); len(got) != 0 {
		t.Errorf("values without a logarithm are drawn: %v", got)
	}
	if got := Thin([]float64{1, 0, 3}, 3); len(got) != 2 || got[1].First != 2 || got[1].Mean != 3 {
		t.Errorf("a value in a gap: %v", got)
	}
	if got := Thin(nil, 10); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
