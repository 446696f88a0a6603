package figure

import (
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Width and height of a figure for one and for two panels, the notebook's
// figsize.
const (
	panelWidth  = 4.8 * vg.Inch
	panelHeight = 3 * vg.Inch
)

// Curve is one loss curve: the loss of each iteration, from the first on.
type Curve struct {
	Name   string // for the legend, which is drawn when there are several
	Values []float64
}

// Loss draws loss curves on a log axis (cell 4 of the notebook), 4.8 x 3 inches.
// Values that are not above 0 or not finite leave a gap. Of more than 4,000
// values the least and the greatest of each of 1,000 stretches are drawn, which
// looks the same. format is "png", "svg" or "pdf".
func Loss(w io.Writer, format string, curves ...Curve) error {
	if err := loss(w, format, curves); err != nil {
		return fmt.Errorf("figure: Loss: %w", err)
	}
	return nil
}

func loss(w io.Writer, format string, curves []Curve) error {
	page, err := newPage(format, panelWidth, panelHeight)
	if err != nil {
		return err
	}
	p := newPlot()
	p.X.Label.Text, p.X.Tick.Marker = "Iterations", wholeTicks(8)
	low, high, count := math.Inf(1), math.Inf(-1), 0
	var names []string
	var entries []entry
	for i, c := range curves {
		style := draw.LineStyle{Color: classColor(i), Width: 1.5}
		count = max(count, len(c.Values))
		names = append(names, c.Name)
		entries = append(entries, entry{name: c.Name, color: style.Color, line: true})
		for _, run := range runs(c.Values) {
			for _, pt := range run {
				low, high = min(low, pt.Y), max(high, pt.Y)
			}
			if len(run) == 1 {
				p.Add(&plotter.Scatter{XYs: run, GlyphStyle: draw.GlyphStyle{Color: style.Color, Radius: 2, Shape: disc{}}})
				continue
			}
			p.Add(&plotter.Line{XYs: run, LineStyle: style})
		}
	}
	if count == 0 {
		return errors.New("no losses to draw")
	}
	if low > high {
		return errors.New("no loss is a finite number above 0, which a log axis needs")
	}
	setRange(&p.X, 1, float64(count))
	setLogRange(&p.Y, low, high)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	const title = "Training Loss"
	p.Add(frame{title})
	area := draw.Crop(page.Canvas, margin, -rightMargin, margin, -margin)
	if len(names) > 1 {
		area = drawLegend(area, dataCenter(p, area), entries, 1)
	}
	area.Max.Y -= titleHeight(title)
	p.Draw(area)
	return page.write(w)
}

// setLogRange is setRange for a log axis.
func setLogRange(a *plot.Axis, low, high float64) {
	margin := math.Log(high/low) / 20
	if high/low < 1+1e-9 || math.IsNaN(margin) {
		margin = math.Log(1.05)
	}
	if math.IsInf(high/low, 1) {
		margin = 1
	}
	a.Min, a.Max = max(low*math.Exp(-margin), 1e-307), min(high*math.Exp(margin), 1e308)
}

// runs cuts values, numbered from 1, into stretches that a log axis can show.
func runs(values []float64) []plotter.XYs {
	const most, stretches = 4000, 1000
	block := 1
	if len(values) > most {
		block = (len(values) + stretches - 1) / stretches
	}
	var out []plotter.XYs
	var run plotter.XYs
	end := func() {
		if len(run) > 0 {
			out = append(out, thin(run, block))
			run = nil
		}
	}
	for i, v := range values {
		if !(v > 1e-300) || math.IsInf(v, 1) {
			end()
			continue
		}
		run = append(run, plotter.XY{X: float64(i + 1), Y: v})
	}
	end()
	return out
}

// thin keeps the least and the greatest point of each block, and both ends.
func thin(run plotter.XYs, block int) plotter.XYs {
	if block < 3 {
		return run
	}
	var out plotter.XYs
	for lo := 0; lo < len(run); lo += block {
		hi := min(lo+block, len(run))
		least, most := lo, lo
		for i := lo; i < hi; i++ {
			if run[i].Y < run[least].Y {
				least = i
			}
			if run[i].Y > run[most].Y {
				most = i
			}
		}
		keep := []int{min(least, most), max(least, most)}
		if lo == 0 && keep[0] != 0 {
			keep = append([]int{0}, keep...)
		}
		if last := len(run) - 1; hi == len(run) && keep[len(keep)-1] != last {
			keep = append(keep, last)
		}
		for k, i := range keep {
			if k == 0 || i != keep[k-1] {
				out = append(out, run[i])
			}
		}
	}
	return out
}
