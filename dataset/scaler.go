package dataset

import (
	"fmt"
	"math"
	"strconv"
)

// How a Scaler may scale.
const (
	ScaleAuto     = "auto"     // bytes / 255, else ScaleStandard
	ScaleNone     = "none"     // not at all
	ScaleUnit     = "unit"     // each column to 0 to 1, as scikit-learn's MinMaxScaler
	ScaleStandard = "standard" // each column to mean 0 and deviation 1, as StandardScaler
)

// Scaler scales rows: column j of x becomes (x - Shift[j]) / Divide[j]. What it learns from
// training rows it does to all others.
type Scaler struct {
	Kind   string    `json:"kind"`             // none, unit, standard, or the number that divides
	Shift  []float64 `json:"shift,omitempty"`  // of each column; nil: 0
	Divide []float64 `json:"divide,omitempty"` // of each column, or of all; nil: 1
}

// CheckScale says whether kind is one of the constants above or a number that can divide.
func CheckScale(kind string) error {
	switch kind {
	case ScaleAuto, ScaleNone, ScaleUnit, ScaleStandard:
		return nil
	}
	v, err := strconv.ParseFloat(kind, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) || float32(v) == 0 {
		return fmt.Errorf("unknown scale %q: want auto, none, unit, standard or a number above "+
			"0 that divides", kind)
	}
	return nil
}

// FitScaler makes the scaler of this kind for the rows of x. As in scikit-learn a column
// that is constant becomes 0.
func FitScaler(kind string, x *Split) (Scaler, error) {
	if err := CheckScale(kind); err != nil {
		return Scaler{}, fmt.Errorf("dataset: %w", err)
	}
	if x.N < 1 {
		return Scaler{}, fmt.Errorf("dataset: scale: %w", errNoRows)
	}
	if kind == ScaleAuto {
		kind = ScaleStandard
		if x.Images != nil && x.Features == nil {
			kind = "255"
		}
	}
	c := Scaler{Kind: kind}
	switch kind {
	case ScaleNone:
	case ScaleUnit:
		c.unit(x)
	case ScaleStandard:
		c.standard(x)
	default:
		v, err := strconv.ParseFloat(kind, 64)
		if err != nil {
			return Scaler{}, err
		}
		c.Divide = []float64{v}
	}
	return c, nil
}

// unit learns minimum and range of each column.
func (c *Scaler) unit(x *Split) {
	w := x.Width()
	low, high := make([]float64, w), make([]float64, w)
	for j := range w {
		low[j], high[j] = math.Inf(1), math.Inf(-1)
	}
	x.each(func(j int, v float64) { low[j], high[j] = min(low[j], v), max(high[j], v) })
	for j := range high {
		// scikit-learn's _handle_zeros_in_scale, of ranges in float64
		if high[j] -= low[j]; high[j] < 10*epsilon {
			high[j] = 1
		}
	}
	c.Shift, c.Divide = low, high
}

const epsilon = 0x1p-52 // of float64

// standard learns mean and deviation of each column, that of the population.
func (c *Scaler) standard(x *Split) {
	w, n := x.Width(), float64(x.N)
	mean, sum, square := make([]float64, w), make([]float64, w), make([]float64, w)
	x.each(func(j int, v float64) { mean[j] += v })
	for j := range mean {
		mean[j] /= n
	}
	x.each(func(j int, v float64) {
		d := v - mean[j]
		sum[j] += d
		square[j] += d * d
	})
	for j, m := range mean {
		variance := (square[j] - sum[j]*sum[j]/n) / n
		// scikit-learn's _is_constant_feature
		if bound := n * m * epsilon; variance <= n*epsilon*variance+bound*bound {
			square[j] = 1
		} else {
			square[j] = math.Sqrt(variance)
		}
	}
	c.Shift, c.Divide = mean, square
}

// each calls f with the values of all rows.
func (s *Split) each(f func(column int, v float64)) {
	w := s.Width()
	for at := 0; at < s.N*w; at += w {
		if s.Features != nil {
			for j, v := range s.Features[at : at+w] {
				f(j, float64(v))
			}
			continue
		}
		for j, v := range s.Images[at : at+w] {
			f(j, float64(v))
		}
	}
}

// Apply scales the rows of x: its Features in place, which it gets where its rows are bytes,
// but for bytes / 255, which they are as they stand.
func (c Scaler) Apply(x *Split) error {
	w := x.Width()
	if (c.Shift != nil && len(c.Shift) != w) || (len(c.Divide) > 1 && len(c.Divide) != w) {
		return fmt.Errorf("dataset: scale: rows of %d columns, the scaler is of %d", w,
			len(c.Divide))
	}
	if x.Features == nil {
		if len(c.Divide) == 1 && c.Divide[0] == 255 && c.Shift == nil {
			return nil
		}
		x.Features = make([]float32, len(x.Images))
		for i, b := range x.Images {
			x.Features[i] = float32(b)
		}
	}
	if c.Shift == nil {
		if len(c.Divide) == 1 { // of float32, so that 255 makes of whole numbers what bytes are
			by := float32(c.Divide[0])
			for i := range x.Features {
				x.Features[i] /= by
			}
		}
		return c.checked(x)
	}
	for at := 0; at < len(x.Features); at += w {
		row := x.Features[at : at+w]
		for j, v := range row {
			row[j] = float32((float64(v) - c.Shift[j]) / c.Divide[j])
		}
	}
	return c.checked(x)
}

// Undo returns rows of a width as they were before Apply.
func (c Scaler) Undo(x []float32, width int) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		value := float64(v)
		switch {
		case len(c.Divide) == 1:
			value *= c.Divide[0]
		case c.Divide != nil:
			value *= c.Divide[i%width]
		}
		if c.Shift != nil {
			value += c.Shift[i%width]
		}
		out[i] = float32(value)
	}
	return out
}

// checked reports a number that scaling took beyond float32.
func (c Scaler) checked(x *Split) error {
	for i, v := range x.Features {
		if math.IsInf(float64(v), 0) || v != v {
			return fmt.Errorf("dataset: scale %s: row %d, column %d is beyond float32", c.Kind,
				i/x.Width()+1, i%x.Width()+1)
		}
	}
	return nil
}
