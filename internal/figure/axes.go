package figure

import (
	"image/color"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	textSize  = 10 // points; ticks, labels and legend
	titleSize = 12
	lineWidth = 0.72 // points: two pixels
	minus     = '−'  // as matplotlib writes negative numbers
)

var (
	white     = color.Gray{Y: 255}
	gridColor = color.Gray{Y: 0xd0}
)

var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

func textStyle(size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{Color: color.Black, Font: font.From(sans, size), XAlign: x, YAlign: y,
		Handler: powers{text.Plain{Fonts: font.DefaultCache}}}
}

// newPlot returns a plot with a grid under the data.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Width, a.Padding = 0, 0
		a.Label.TextStyle = textStyle(textSize, draw.XCenter, draw.YBottom)
		a.Label.Padding = 1
		a.Tick.LineStyle.Width, a.Tick.Length = lineWidth, 3.5
		a.Tick.Marker = linearTicks(8)
	}
	p.X.Tick.Label = textStyle(textSize, draw.XCenter, draw.YTop)
	p.Y.Tick.Label = textStyle(textSize, draw.XRight, draw.YCenter)
	line := draw.LineStyle{Color: gridColor, Width: lineWidth}
	p.Add(&plotter.Grid{Vertical: line, Horizontal: line})
	return p
}

// titleHeight is what a title takes from the top of a plot's area.
func titleHeight(title string) vg.Length {
	if title == "" {
		return 0
	}
	return titleSize + 6
}

// frame draws the box around the data and, over its middle, the title.
type frame struct{ title string }

func (f frame) Plot(c draw.Canvas, _ *plot.Plot) {
	if f.title != "" {
		c.FillText(textStyle(titleSize, draw.XCenter, draw.YBottom), vg.Point{X: c.Center().X, Y: c.Max.Y + 6}, f.title)
	}
	s := draw.LineStyle{Color: color.Black, Width: lineWidth}
	const h = lineWidth / 2 // closes the corners
	for _, y := range []vg.Length{c.Min.Y, c.Max.Y} {
		c.StrokeLine2(s, c.Min.X-h, y, c.Max.X+h, y)
	}
	for _, x := range []vg.Length{c.Min.X, c.Max.X} {
		c.StrokeLine2(s, x, c.Min.Y-h, x, c.Max.Y+h)
	}
}

// setRange sets an axis to the values from low to high and a margin of a
// twentieth on either side, as matplotlib does.
func setRange(a *plot.Axis, low, high float64) {
	margin := (high - low) / 20
	if margin == 0 {
		margin = max(math.Abs(low)/20, 0.05)
	}
	a.Min, a.Max = low-margin, high+margin
}

// linearTicks is the largest number of ticks, at round numbers; there are fewer
// where their labels are long.
type linearTicks int

func (most linearTicks) Ticks(low, high float64) []plot.Tick {
	return roundTicks(low, high, int(most), 0)
}

// wholeTicks is linearTicks at whole numbers only.
type wholeTicks int

func (most wholeTicks) Ticks(low, high float64) []plot.Tick {
	return roundTicks(low, high, int(most), 1)
}

func roundTicks(low, high float64, most int, leastStep float64) []plot.Tick {
	const characters = 44 // that fit under an axis with space between labels
	var ticks []plot.Tick
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
				ticks = append(ticks, plot.Tick{Value: i * step, Label: number(i*step, step)})
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
		m, e, _ := strings.Cut(strconv.FormatFloat(v, 'e', max(0, exponent(v)-exponent(step)+1), 64), "e")
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
	return strings.Replace(s, "-", string(minus), 1)
}

// exponent returns the power of ten of v's first digit.
func exponent(v float64) int { return int(math.Floor(math.Log10(math.Abs(v)) + 1e-9)) }

// power writes 10 to the n for the text handler powers.
func power(n int) string { return "10^" + strings.Replace(strconv.Itoa(n), "-", string(minus), 1) }

// logTicks labels powers of ten; where fewer than two fit, some or all of
// their multiples; where the range is narrower than that, round numbers.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) []plot.Tick {
	l, h := math.Log10(low), math.Log10(high)
	const eps = 1e-9
	first, last := math.Ceil(l-eps), math.Floor(h+eps)
	stride := math.Ceil((last - first + 1) / 8)
	labelled := []float64{1}
	switch {
	case last-first >= 1:
	case h-l < 0.3:
		return linearTicks(6).Ticks(low, high)
	case h-l < 0.7:
		labelled = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	case h-l < 1.2:
		labelled = []float64{1, 2, 3, 4, 6}
	default:
		labelled = []float64{1, 2, 5}
	}
	var ticks []plot.Tick
	for e := math.Floor(l); e <= last; e++ {
		if stride > 1 {
			if math.Mod(e-first, stride) == 0 {
				ticks = append(ticks, plot.Tick{Value: math.Pow(10, e), Label: power(int(e))})
			}
			continue
		}
		for m := 1.0; m < 10; m++ {
			t := plot.Tick{Value: m * math.Pow(10, e)}
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

// powers is plain text in which what follows the first ^ is raised and smaller.
type powers struct{ text.Plain }

const raised = 0.7 // size of raised text

func (p powers) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	base, up, _ := strings.Cut(txt, "^")
	width, height, depth = p.Plain.Box(base, f)
	if up != "" {
		w, _, _ := p.Plain.Box(up, font.From(f, f.Size*raised))
		width += w
	}
	return width, height, depth
}

func (p powers) Draw(c vg.Canvas, txt string, s text.Style, pt vg.Point) {
	base, up, found := strings.Cut(txt, "^")
	if !found || s.Rotation != 0 {
		p.Plain.Draw(c, txt, s, pt)
		return
	}
	width, height, depth := p.Box(txt, s.Font)
	c.SetColor(s.Color)
	// The baseline as text.Plain has it.
	pt.X += vg.Length(s.XAlign) * width
	pt.Y += vg.Length(s.YAlign)*(height+depth) - height + s.Font.Size
	face := p.Fonts.Lookup(s.Font, s.Font.Size)
	c.FillString(face, pt, base)
	pt.X += face.Width(base)
	pt.Y += s.Font.Size * 0.36
	c.FillString(p.Fonts.Lookup(s.Font, s.Font.Size*raised), pt, up)
}
