package figure

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"latent/internal/axis"
)

const (
	textSize  = 10 // points; ticks, labels and legend
	titleSize = 12
	lineWidth = 0.72 // points: two pixels
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
		c.FillText(textStyle(titleSize, draw.XCenter, draw.YBottom),
			vg.Point{X: c.Center().X, Y: c.Max.Y + 6}, f.title)
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

// ticks are the axis package's as gonum/plot asks for them.
type ticks func(low, high float64) []axis.Tick

func (f ticks) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for _, t := range f(low, high) {
		out = append(out, plot.Tick{Value: t.Value, Label: t.Label})
	}
	return out
}

// linearTicks are at most so many, at round numbers.
func linearTicks(most int) ticks {
	return func(low, high float64) []axis.Tick { return axis.Linear(low, high, most) }
}

// wholeTicks is linearTicks at whole numbers only.
func wholeTicks(most int) ticks {
	return func(low, high float64) []axis.Tick { return axis.Whole(low, high, most) }
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
