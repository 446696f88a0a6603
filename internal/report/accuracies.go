package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"latent/internal/axis"
	"latent/internal/run"
)

// accuracyChart is the plot of test accuracies in percent against epochs, nil where nothing
// was measured.
func accuracyChart(models []run.AccuracySeries) *chart {
	curves := run.AccuracyCurves(models)
	lo, hi, last := math.Inf(1), math.Inf(-1), 1
	for _, c := range curves {
		for i, v := range c.Values {
			lo, hi, last = min(lo, 100*v), max(hi, 100*v), max(last, c.Epochs[i])
		}
	}
	if hi < lo {
		return nil
	}
	pad := max(0.05*(hi-lo), 0.1)
	lo, hi = lo-pad, hi+pad
	x := func(epoch float64) float64 { return 1000 * epoch / float64(last) }
	y := func(v float64) float64 { return 1000 * (hi - v) / (hi - lo) }
	out := &chart{}
	for i, c := range curves {
		var line strings.Builder
		for k, v := range c.Values {
			fmt.Fprintf(&line, "%s%.1f %.1f", moveOrLine(k), x(float64(c.Epochs[k])), y(100*v))
		}
		out.Curves = append(out.Curves,
			curve{Model: c.Name, Class: lineClass(i), Line: line.String(),
				Last: percent(c.Values[len(c.Values)-1]) + " %"})
	}
	for _, t := range axis.Linear(lo, hi, 6) {
		out.Y = append(out.Y, tick{y(t.Value), template.HTML(t.Label)})
	}
	for _, t := range axis.Whole(0, float64(last), 6) {
		out.X = append(out.X, tick{x(t.Value), template.HTML(thousands(int(t.Value)))})
	}
	return out
}
