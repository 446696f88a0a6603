package figure

import (
	"fmt"
	"io"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"latent/internal/run"
)

// Accuracy draws test accuracies in percent against epochs, 4.8 x 3 inches, so that one
// sees where the latents overtake the pixels. Without curves the axes are empty. format is
// "png", "svg" or "pdf".
func Accuracy(w io.Writer, format string, curves []run.AccuracyCurve) error {
	page, err := newPage(format, panelWidth, panelHeight)
	if err != nil {
		return fmt.Errorf("figure: Accuracy: %w", err)
	}
	p := newPlot()
	p.X.Label.Text, p.X.Tick.Marker = "Epochs", wholeTicks(8)
	first, last, low, high := math.Inf(1), 1.0, math.Inf(1), 0.0
	var entries []entry
	for i, c := range curves {
		style := draw.LineStyle{Color: classColor(i), Width: 1.5}
		entries = append(entries, entry{name: c.Name, color: style.Color, line: true})
		points := make(plotter.XYs, len(c.Values))
		for k, v := range c.Values {
			points[k] = plotter.XY{X: float64(c.Epochs[k]), Y: 100 * v}
			first, last = min(first, points[k].X), max(last, points[k].X)
			low, high = min(low, points[k].Y), max(high, points[k].Y)
		}
		p.Add(&plotter.Line{XYs: points, LineStyle: style})
		if len(points) < 20 {
			p.Add(&plotter.Scatter{XYs: points,
				GlyphStyle: draw.GlyphStyle{Color: style.Color, Radius: 2, Shape: disc{}}})
		}
	}
	if len(curves) == 0 {
		first, low, high = 0, 0, 100
	}
	setRange(&p.X, first, last)
	setRange(&p.Y, low, high)
	const title = "Nearest-Centroid Accuracy, Test Images (%)"
	p.Add(frame{title})
	area := draw.Crop(page.Canvas, margin, -rightMargin, margin, -margin)
	if len(entries) > 0 {
		area = drawLegend(area, dataCenter(p, area), entries, (len(entries)+2)/3)
	}
	area.Max.Y -= titleHeight(title)
	p.Draw(area)
	if err := page.write(w); err != nil {
		return fmt.Errorf("figure: Accuracy: %w", err)
	}
	return nil
}
