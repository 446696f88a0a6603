package axis

import "math"

// Stretch is a run of consecutive values that is drawn as one.
type Stretch struct {
	First, Last    int // indices of its ends
	Mean, Min, Max float64
	MinAt, MaxAt   int // indices of the least and the greatest
}

// Drawable reports whether a log axis can show v: 0 and below, NaN and infinity it
// cannot.
func Drawable(v float64) bool { return v > 1e-300 && !math.IsInf(v, 1) }

// Thin cuts values into at most so many stretches of equal length, one value each
// where they all fit. Values that are not Drawable count for nothing, and
// a stretch of them alone is left out. Mean and range keep what the eye would see
// of the full curve.
func Thin(values []float64, most int) []Stretch {
	size := (len(values) + most - 1) / max(most, 1)
	var out []Stretch
	for first := 0; first < len(values); first += size {
		s := Stretch{First: first, Last: min(first+size, len(values)) - 1, Min: math.Inf(1)}
		n := 0.0
		for i := first; i <= s.Last; i++ {
			v := values[i]
			if !Drawable(v) {
				continue
			}
			n++
			s.Mean += (v - s.Mean) / n
			if v < s.Min {
				s.Min, s.MinAt = v, i
			}
			if v > s.Max {
				s.Max, s.MaxAt = v, i
			}
		}
		if n > 0 {
			out = append(out, s)
		}
	}
	return out
}
