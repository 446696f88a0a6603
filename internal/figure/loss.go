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

	"latent/internal/axis"
	"latent/internal/run"
)

// Width and height of a figure for one and for two panels, the notebook's
// figsize.
const (
	panelWidth  = 4.8 * vg.Inch
	panelHeight = 3 * vg.Inch
)

// Loss draws loss curves on a log axis (cell 4 of the notebook), 4.8 x 3 inches, with
// a legend where there are several. Losses that are not above 0 or not finite leave
// a gap. Of more than 4,000 losses the least and the greatest of each of 1,000
// stretches are drawn, which looks the same. format is "png", "svg" or "pdf".
func Loss(w io.Writer, format string, models ...run.Series) error {
	if err := loss(w, format, models); err != nil {
		return fmt.Errorf("figure: Loss: %w", err)
	}
	return nil
}

func loss(w io.Writer, format string, models []run.Series) error {
	page, err := newPage(format, panelWidth, panelHeight)
	if err != nil {
		return err
	}
	p := newPlot()
	p.X.Label.Text, p.X.Tick.Marker = "Iterations", wholeTicks(8)
	low, high, count := math.Inf(1), math.Inf(-1), 0
	var names []string
	var entries []entry
	for i, m := range models {
		style := draw.LineStyle{Color: classColor(i), Width: 1.5}
		count = max(count, len(m.Losses))
		names = append(names, m.Model)
		entries = append(entries, entry{name: m.Model, color: style.Color, line: true})
		for _, line := range lines(m.Values()) {
			for _, pt := range line {
				low, high = min(low, pt.Y), max(high, pt.Y)
			}
			if len(line) == 1 {
				p.Add(&plotter.Scatter{XYs: line,
					GlyphStyle: draw.GlyphStyle{Color: style.Color, Radius: 2, Shape: disc{}}})
				continue
			}
			p.Add(&plotter.Line{XYs: line, LineStyle: style})
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
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks(axis.Log)
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

// lines cuts values, numbered from 1, into lines without gaps, of which the least
// and the greatest of each stretch and both ends are kept.
func lines(values []float64) []plotter.XYs {
	most := 4000
	if len(values) > most {
		most = 1000
	}
	var out []plotter.XYs
	var line plotter.XYs
	end := -1 // index of the last value of the line
	add := func(i int) {
		if x := float64(i + 1); len(line) == 0 || line[len(line)-1].X != x {
			line = append(line, plotter.XY{X: x, Y: values[i]})
		}
	}
	stretches := axis.Thin(values, most)
	for k, s := range stretches {
		if s.First != end+1 && len(line) > 0 {
			out, line = append(out, line), nil
		}
		if k == 0 && axis.Drawable(values[s.First]) {
			add(s.First)
		}
		add(min(s.MinAt, s.MaxAt))
		add(max(s.MinAt, s.MaxAt))
		if k == len(stretches)-1 && axis.Drawable(values[s.Last]) {
			add(s.Last)
		}
		end = s.Last
	}
	if len(line) > 0 {
		out = append(out, line)
	}
	return out
}
