package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	margin      = 4 // points around a figure
	rightMargin = 8
)

// cycle is matplotlib's C0 to C9.
var cycle = [10]color.RGBA{
	{0x1f, 0x77, 0xb4, 255}, {0xff, 0x7f, 0x0e, 255}, {0x2c, 0xa0, 0x2c, 255}, {0xd6, 0x27, 0x28,
		255},
	{0x94, 0x67, 0xbd, 255}, {0x8c, 0x56, 0x4b, 255}, {0xe3, 0x77, 0xc2, 255}, {0x7f, 0x7f, 0x7f,
		255},
	{0xbc, 0xbd, 0x22, 255}, {0x17, 0xbe, 0xcf, 255},
}

// classColor returns the colour of class i: C0 to C9, then paler, then darker
// ones of the same hues, and again.
func classColor(i int) color.RGBA {
	c := cycle[i%len(cycle)]
	mix := func(v uint8) uint8 {
		switch i / len(cycle) % 3 {
		case 1:
			return uint8((int(v) + 255) / 2)
		case 2:
			return uint8(int(v) * 11 / 20)
		}
		return v
	}
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}

// disc is a round glyph of Bézier curves; vgpdf's arcs leave specks.
type disc struct{}

func (disc) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	const k = 0.5522847 // of the radius: a quarter circle's control points
	r := s.Radius
	to := func(x, y vg.Length) vg.Point { return vg.Point{X: at.X + x*r, Y: at.Y + y*r} }
	var p vg.Path
	p.Move(to(1, 0))
	p.CubeTo(to(1, k), to(k, 1), to(0, 1))
	p.CubeTo(to(-k, 1), to(-1, k), to(-1, 0))
	p.CubeTo(to(-1, -k), to(-k, -1), to(0, -1))
	p.CubeTo(to(k, -1), to(1, -k), to(1, 0))
	p.Close()
	c.SetColor(s.Color)
	c.Fill(p)
}

// entry is one name in a legend.
type entry struct {
	name  string
	color color.Color
	line  bool // a line rather than a round marker
}

// dataCenter returns the middle of the data of a plot that is drawn into area.
func dataCenter(p *plot.Plot, area draw.Canvas) vg.Length {
	data := p.DataCanvas(area)
	return data.Center().X
}

// drawLegend draws the entries row by row across the top of area and around
// center, in the given number of rows or as many as their width needs, and
// returns what is left of area below.
func drawLegend(area draw.Canvas, center vg.Length, entries []entry, rows int) draw.Canvas {
	const (
		diameter  = 8
		length    = 16 // of a line
		gap       = 4  // marker to text
		space     = 14 // text to next marker
		rowHeight = 14
	)
	style := textStyle(textSize, draw.XLeft, draw.YCenter)
	marker := vg.Length(diameter)
	if entries[0].line {
		marker = length
	}
	var cell vg.Length // columns are of one width
	for _, e := range entries {
		cell = max(cell, marker+gap+style.Width(e.name))
	}
	available := area.Max.X - area.Min.X
	columns := (len(entries) + rows - 1) / rows
	columns = max(1, min(columns, int((available+space)/(cell+space))))
	width := vg.Length(columns)*(cell+space) - space
	left := max(area.Min.X, min(center-width/2, area.Max.X-width))
	descent := style.FontExtents().Descent
	for i, e := range entries {
		x := left + vg.Length(i%columns)*(cell+space)
		y := area.Max.Y - rowHeight*(vg.Length(i/columns)+0.5)
		if e.line {
			area.StrokeLine2(draw.LineStyle{Color: e.color, Width: 1.5}, x, y, x+marker, y)
		} else {
			area.DrawGlyphNoClip(draw.GlyphStyle{Color: e.color, Radius: marker / 2,
				Shape: disc{}},
				vg.Point{X: x + marker/2, Y: y})
		}
		area.FillText(style, vg.Point{X: x + marker + gap, Y: y + descent}, e.name)
	}
	lines := (len(entries) + columns - 1) / columns
	area.Max.Y -= rowHeight*vg.Length(lines) + 3
	return area
}
