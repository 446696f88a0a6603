// Package axis places ticks and thins curves, for the loss charts of figures and of
// the report alike.
package axis

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tick is a mark on an axis.
type Tick struct {
	Value float64
	Label string // "" for one without; what follows ^ is an exponent: 2×10^−3
}

// Minus is the sign of negative numbers, as matplotlib writes it.
const Minus = '−'

// Linear returns at most so many ticks from low to high, at round numbers; there are
// fewer where their labels are long.
func Linear(low, high float64, most int) []Tick { return roundTicks(low, high, most, 0) }

// Whole is Linear at whole numbers only.
func Whole(low, high float64, most int) []Tick { return roundTicks(low, high, most, 1) }

func roundTicks(low, high float64, most int, leastStep float64) []Tick {
	const characters = 44 // that fit under an axis with space between labels
	var ticks []Tick
	for ; most > 0; most-- {
		unit := math.Pow(10, math.Floor(math.Log10((high-low)/float64(most))))
		for _, m := range []float64{1, 2, 2.5, 5, 10, 20} {
			step := max(m*unit, leastStep)
			first, last := math.Ceil(low/step), math.Floor(high/step)
			if last-first >= float64(most) || leastStep > 0 && step != math.Trunc(step) {
				continue
			}
			ticks = ticks[:0]
			for i := first; i <= last; i++ {
				ticks = append(ticks, Tick{Value: i * step, Label: number(i*step, step)})
			}
			break
		}
		length := 0
		for _, t := range ticks {
			length += utf8.RuneCountInString(t.Label)
		}
		if length <= characters || len(ticks) <= 2 {
			break
		}
	}
	return ticks
}

// number writes v with the decimals that its step has; large and small ones
// with a power of ten.
func number(v, step float64) string {
	s := ""
	switch {
	case v == 0:
		s = "0"
	case step >= 1e6 || step < 1e-4:
		m, e,
			_ := strings.Cut(strconv.FormatFloat(v, 'e', max(0, exponent(v)-exponent(step)+1), 64),
			"e")
		if strings.Contains(m, ".") {
			m = strings.TrimRight(strings.TrimRight(m, "0"), ".")
		}
		n, _ := strconv.Atoi(e)
		s = m + "×" + power(n)
	default:
		decimals := max(0, -exponent(step))
		if m := step * math.Pow10(decimals); math.Abs(m-math.Round(m)) > 1e-6 { // 2.5
			decimals++
		}
		s = strconv.FormatFloat(v, 'f', decimals, 64)
	}
	return strings.Replace(s, "-", string(Minus), 1)
}

// exponent returns the power of ten of v's first digit.
func exponent(v float64) int { return int(math.Floor(math.Log10(math.Abs(v)) + 1e-9)) }

// power writes 10 to the n.
func power(n int) string { return "10^" + strings.Replace(strconv.Itoa(n), "-", string(Minus), 1) }

// Log returns ticks for a log axis from low to high, both above 0. It labels powers
// of ten; where fewer than two fit, some or all of their multiples; where the range is
// narrower than that, round numbers.
func Log(low, high float64) []Tick {
	l, h := math.Log10(low), math.Log10(high)
	const eps = 1e-9
	first, last := math.Ceil(l-eps), math.Floor(h+eps)
	stride := math.Ceil((last - first + 1) / 8)
	labelled := []float64{1}
	switch {
	case last-first >= 1:
	case h-l < 0.3:
		return Linear(low, high, 6)
	case h-l < 0.7:
		labelled = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	case h-l < 1.2:
		labelled = []float64{1, 2, 3, 4, 6}
	default:
		labelled = []float64{1, 2, 5}
	}
	var ticks []Tick
	for e := math.Floor(l); e <= last; e++ {
		if stride > 1 {
			if math.Mod(e-first, stride) == 0 {
				ticks = append(ticks, Tick{Value: math.Pow(10, e), Label: power(int(e))})
			}
			continue
		}
		for m := 1.0; m < 10; m++ {
			t := Tick{Value: m * math.Pow(10, e)}
			if t.Value < low*(1-eps) || t.Value > high*(1+eps) {
				continue
			}
			for _, want := range labelled {
				if m == want {
					t.Label = power(int(e))
					if m > 1 {
						t.Label = strconv.Itoa(int(m)) + "×" + t.Label
					}
				}
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}
