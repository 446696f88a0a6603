package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// maxStretches bounds the points drawn per curve.
const maxStretches = 1000

// stretch is a run of consecutive steps of one series, drawn as one point.
type stretch struct {
	first, last    int     // steps
	mean, min, max float64 // of the positive losses
}

// thin cuts the series into at most maxStretches runs of equal length (one step
// each where they all fit) and drops losses that a logarithm cannot take. Mean
// and range keep what the eye would see of the full curve.
func thin(s Series) []stretch {
	size := (len(s.Loss) + maxStretches - 1) / maxStretches
	var out []stretch
	for i := 0; i < len(s.Loss); i += size {
		end := min(i+size, len(s.Loss))
		t := stretch{first: s.Step[i], last: s.Step[end-1], min: math.Inf(1)}
		n := 0.0
		for _, v := range s.Loss[i:end] {
			if v > 0 {
				n++
				t.mean += (v - t.mean) / n
				t.min, t.max = min(t.min, v), max(t.max, v)
			}
		}
		if n > 0 {
			out = append(out, t)
		}
	}
	return out
}

// chart is the loss plot: paths in a 1000 x 1000 box, stretched to the page's
// width, and labels placed in percent so that they keep their size.
type chart struct {
	Curves []curve
	X, Y   []tick
	Minor  []float64 // horizontal grid lines without a label, in box units
	Meta   chartMeta
}

type curve struct {
	Model  string
	Colour int // index of the page's line colours
	Line   string
	Band   string // range of each stretch; empty where a stretch is one step
	Last   string // last loss, as the progress bar shows it (%e)
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

// newChart returns nil where there is nothing to draw.
func newChart(series []Series) *chart {
	lo, hi, xmax := math.Inf(1), math.Inf(-1), 1
	thinned := make([][]stretch, len(series))
	for i, s := range series {
		thinned[i] = thin(s)
		for _, t := range thinned[i] {
			lo, hi, xmax = min(lo, t.min), max(hi, t.max), max(xmax, t.last)
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
		cur := curve{Model: s.Model, Colour: i % 4, Last: fmt.Sprintf("%e", s.Loss[len(s.Loss)-1])}
		meta := chartSeries{Model: capital(s.Model)}
		var line, top, bottom strings.Builder
		n := len(thinned[i])
		for j, t := range thinned[i] {
			meta.First, meta.Last = append(meta.First, t.first), append(meta.Last, t.last)
			meta.Mean = append(meta.Mean, float32(t.mean))
			at := x(float64(t.first+t.last) / 2)
			fmt.Fprintf(&line, "%s%.1f %.1f", moveOrLine(j), at, y(t.mean))
			fmt.Fprintf(&top, "%s%.1f %.1f", moveOrLine(j), at, y(t.max))
			back := thinned[i][n-1-j]
			fmt.Fprintf(&bottom, "L%.1f %.1f", x(float64(back.first+back.last)/2), y(back.min))
		}
		cur.Line = line.String()
		if len(s.Loss) > maxStretches {
			cur.Band = top.String() + bottom.String() + "Z"
		}
		c.Curves = append(c.Curves, cur)
		c.Meta.Series = append(c.Meta.Series, meta)
	}
	c.Y, c.Minor = logTicks(ymin, ymax, y)
	for _, v := range linearTicks(float64(xmax)) {
		c.X = append(c.X, tick{x(v), template.HTML(thousands(int(v)))})
	}
	return c
}

func moveOrLine(i int) string {
	if i == 0 {
		return "M"
	}
	return "L"
}

// logTicks labels the decades within [10^lo, 10^hi], and 2 and 5 of each where
// there are fewer than three of them; the other multiples get a bare line.
func logTicks(lo, hi float64, place func(float64) float64) (labelled []tick, minor []float64) {
	decades := math.Floor(hi) - math.Ceil(lo) + 1
	for e := math.Floor(lo); e <= hi; e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if l := math.Log10(v); l < lo || l > hi {
				continue
			}
			switch {
			case m == 1, decades < 3 && (m == 2 || m == 5), hi-lo < 0.3:
				labelled = append(labelled, tick{place(v), power(m, int(e))})
			default:
				minor = append(minor, place(v))
			}
		}
	}
	return labelled, minor
}

// power writes m x 10^e; small exponents as plain decimals.
func power(m float64, e int) template.HTML {
	if e >= -3 && e <= 3 {
		return template.HTML(strconv.FormatFloat(m*math.Pow(10, float64(e)), 'g', 1, 64))
	}
	digits := strings.ReplaceAll(strconv.Itoa(e), "-", "−")
	if m == 1 {
		return template.HTML("10<sup>" + digits + "</sup>")
	}
	return template.HTML(strconv.Itoa(int(m)) + "·10<sup>" + digits + "</sup>")
}

// linearTicks returns 0 and up to five round multiples below or at top.
func linearTicks(top float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(top)))
	for _, f := range []float64{0.2, 0.5, 1, 2} {
		if top/(step*f) <= 6 {
			step *= f
			break
		}
	}
	step = max(1, step)
	var out []float64
	for v := 0.0; v <= top; v += step {
		out = append(out, v)
	}
	return out
}

// thousands writes n with a comma every three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
