package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"latent/internal/axis"
	"latent/internal/run"
)

// maxStretches bounds the points drawn per curve.
const maxStretches = 1000

// chart is the loss plot: paths in a 1000 x 1000 box, stretched to the page's
// width, and labels placed in percent so that they keep their size.
type chart struct {
	Curves []curve
	X, Y   []tick
	Minor  []float64 // horizontal grid lines without a label, in box units
	Meta   chartMeta
}

type curve struct {
	Model string
	Class string // the line's colour, and its dashes where colours come again
	Line  string
	Band  string // range of each stretch; empty where a stretch is one step
	Last  string // last loss, as the progress bar shows it (%e)
}

type tick struct {
	At   float64 // in box units; from the left, or from the top
	Text template.HTML
}

// Percent is the tick's place in percent of the box.
func (t tick) Percent() string { return strconv.FormatFloat(t.At/10, 'f', 2, 64) }

// chartMeta goes to the page's script as JSON.
type chartMeta struct {
	XMax   int           `json:"xmax"`
	YMin   float64       `json:"ymin"` // log10
	YMax   float64       `json:"ymax"` // log10
	Series []chartSeries `json:"series"`
}

type chartSeries struct {
	Model string    `json:"model"`
	First []int     `json:"first"`
	Last  []int     `json:"last"`
	Mean  []float32 `json:"mean"`
}

// Chart is what a page draws of a loss curve: means over stretches of steps.
type Chart = chartMeta

// NewChart is the chart of losses, nil where there is nothing to draw.
func NewChart(series []run.Series) *Chart {
	c := newChart(series)
	if c == nil {
		return nil
	}
	return &c.Meta
}

// newChart returns nil where there is nothing to draw.
func newChart(series []run.Series) *chart {
	lo, hi, xmax := math.Inf(1), math.Inf(-1), 1
	thinned := make([][]axis.Stretch, len(series))
	for i, s := range series {
		thinned[i] = axis.Thin(s.Values(), maxStretches)
		for _, t := range thinned[i] {
			lo, hi, xmax = min(lo, t.Min), max(hi, t.Max), max(xmax, s.Losses[t.Last].Step)
		}
	}
	if hi < lo {
		return nil
	}
	ymin, ymax := math.Log10(lo), math.Log10(hi)
	pad := max(0.05*(ymax-ymin), 0.02)
	ymin, ymax = ymin-pad, ymax+pad
	c := &chart{Meta: chartMeta{XMax: xmax, YMin: ymin, YMax: ymax}}
	x := func(step float64) float64 { return 1000 * step / float64(xmax) }
	y := func(v float64) float64 { return 1000 * (ymax - math.Log10(v)) / (ymax - ymin) }

	for i, s := range series {
		if len(thinned[i]) == 0 {
			continue
		}
		cur := curve{Model: s.Model, Class: lineClass(i),
			Last: fmt.Sprintf("%e", s.Losses[len(s.Losses)-1].Loss)}
		meta := chartSeries{Model: s.Model}
		var line, top, bottom strings.Builder
		n := len(thinned[i])
		for j, t := range thinned[i] {
			first, last := s.Losses[t.First].Step, s.Losses[t.Last].Step
			meta.First, meta.Last = append(meta.First, first), append(meta.Last, last)
			meta.Mean = append(meta.Mean, float32(t.Mean))
			at := x(float64(first+last) / 2)
			fmt.Fprintf(&line, "%s%.1f %.1f", moveOrLine(j), at, y(t.Mean))
			fmt.Fprintf(&top, "%s%.1f %.1f", moveOrLine(j), at, y(t.Max))
			back := thinned[i][n-1-j]
			first, last = s.Losses[back.First].Step, s.Losses[back.Last].Step
			fmt.Fprintf(&bottom, "L%.1f %.1f", x(float64(first+last)/2), y(back.Min))
		}
		cur.Line = line.String()
		if len(s.Losses) > maxStretches {
			cur.Band = top.String() + bottom.String() + "Z"
		}
		c.Curves = append(c.Curves, cur)
		c.Meta.Series = append(c.Meta.Series, meta)
	}
	for _, t := range axis.Log(math.Pow(10, ymin), math.Pow(10, ymax)) {
		if t.Label == "" {
			c.Minor = append(c.Minor, y(t.Value))
		} else {
			c.Y = append(c.Y, tick{y(t.Value), label(t.Label)})
		}
	}
	for _, t := range axis.Whole(0, float64(xmax), 6) {
		c.X = append(c.X, tick{x(t.Value), template.HTML(thousands(int(t.Value)))})
	}
	return c
}

// lineClass is the style of the i-th curve: four colours, each whole, dashed and dotted.
func lineClass(i int) string {
	class := fmt.Sprint("s", i%4)
	if dash := i / 4 % 3; dash > 0 {
		class += fmt.Sprint(" dash", dash)
	}
	return class
}

func moveOrLine(i int) string {
	if i == 0 {
		return "M"
	}
	return "L"
}

// label is a tick's text as HTML: what follows ^ is raised.
func label(text string) template.HTML {
	base, exponent, raised := strings.Cut(text, "^")
	if !raised {
		return template.HTML(base)
	}
	return template.HTML(base + "<sup>" + exponent + "</sup>")
}

// thousands writes n with a comma every three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
