package figure

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one scatter plot.
type Panel struct {
	Title  string
	XY     []float32 // n x 2, row-major
	Labels []int     // the class of each point; nil draws all in one colour
}

// PanelOptions are the settings of [Panels]. Start from [DefaultPanelOptions].
type PanelOptions struct {
	// Alpha is the opacity of a point, above 0 up to 1. It is raised to 300/n
	// where that is more, so that a panel of few points shows them.
	Alpha      float64
	PointSize  float64  // diameter of a point in points (1/72 inch), above 0
	LegendRows int      // rows of the legend, more where the names need them; 0 draws none
	Names      []string // name of class i; nil names classes by number
}

// DefaultPanelOptions returns the notebook's settings, opacity 0.1 and one row.
func DefaultPanelOptions() PanelOptions {
	return PanelOptions{Alpha: 0.1, PointSize: 4.5, LegendRows: 1}
}

// Validate returns an error that names the first option out of range.
func (o PanelOptions) Validate() error {
	switch {
	case !(o.Alpha > 0 && o.Alpha <= 1):
		return fmt.Errorf("figure: Alpha is %v: want above 0 up to 1", o.Alpha)
	case !(o.PointSize > 0 && o.PointSize <= 100):
		return fmt.Errorf("figure: PointSize is %v: want above 0 up to 100", o.PointSize)
	case o.LegendRows < 0:
		return fmt.Errorf("figure: LegendRows is %d: want at least 0", o.LegendRows)
	}
	return nil
}

// maxLegend is the number of classes up to which a legend is drawn.
const maxLegend = 40

// Panels draws scatter plots side by side, each 4.8 x 3 inches, under one legend
// of opaque round markers (cells 6 and 10 of the notebook). Classes 0 to 9 have
// matplotlib's colours C0 to C9; if there are others, colours go by rank. The
// legend shows the classes that occur, or all named ones. Points with NaN or an
// infinity are left out. format is "png", "svg" or "pdf".
func Panels(w io.Writer, format string, panels []Panel, o PanelOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := drawPanels(w, format, panels, o); err != nil {
		return fmt.Errorf("figure: Panels: %w", err)
	}
	return nil
}

func drawPanels(w io.Writer, format string, panels []Panel, o PanelOptions) error {
	if len(panels) == 0 {
		return errors.New("no panels")
	}
	page, err := newPage(format, panelWidth*vg.Length(len(panels)), panelHeight)
	if err != nil {
		return err
	}
	colors, entries := classColors(panels, o.Names)
	plots := make([]*plot.Plot, len(panels))
	var title vg.Length
	for i, panel := range panels {
		p := newPlot()
		pts, err := newPoints(page, panel, colors, o)
		if err != nil {
			return fmt.Errorf("panel %d: %w", i+1, err)
		}
		setRange(&p.X, pts.low[0], pts.high[0])
		setRange(&p.Y, pts.low[1], pts.high[1])
		p.Y.Tick.Marker = linearTicks(7)
		p.Add(pts, frame{panel.Title})
		title = max(title, titleHeight(panel.Title))
		plots[i] = p
	}
	area := draw.Crop(page.Canvas, margin, -rightMargin, margin, -margin)
	if o.LegendRows > 0 && len(entries) > 0 && len(entries) <= maxLegend {
		center := area.Center().X
		if len(plots) == 1 {
			center = dataCenter(plots[0], area)
		}
		area = drawLegend(area, center, entries, o.LegendRows)
	}
	area.Max.Y -= title
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: 14}
	for i, c := range plot.Align([][]*plot.Plot{plots}, tiles, area)[0] {
		plots[i].Draw(c)
	}
	return page.write(w)
}

// classColors gives each class its colour and the legend's entries.
func classColors(panels []Panel, names []string) (map[int]color.RGBA, []entry) {
	colors := make(map[int]color.RGBA)
	var classes []int
	add := func(label int) {
		if _, ok := colors[label]; !ok {
			colors[label] = color.RGBA{}
			classes = append(classes, label)
		}
	}
	for i := range names {
		add(i)
	}
	for _, p := range panels {
		for _, label := range p.Labels {
			add(label)
		}
	}
	slices.Sort(classes)
	var entries []entry
	for rank, label := range classes {
		c := classColor(rank)
		if classes[0] >= 0 && classes[len(classes)-1] < len(cycle) {
			c = classColor(label)
		}
		colors[label] = c
		name := strconv.Itoa(label)
		if label >= 0 && label < len(names) {
			name = names[label]
		}
		entries = append(entries, entry{name: name, color: c})
	}
	return colors, entries
}

// points is a plotter of round points.
type points struct {
	page      *page
	xy        []float32
	colors    []color.RGBA // one a point
	low, high [2]float64   // range of the points that can be drawn
	alpha     float64
	size      vg.Length
}

func newPoints(page *page, panel Panel, colors map[int]color.RGBA, o PanelOptions) (*points,
	error) {
	n := len(panel.XY) / 2
	switch {
	case len(panel.XY)%2 != 0:
		return nil, fmt.Errorf("%d coordinates: want two per point", len(panel.XY))
	case n == 0:
		return nil, errors.New("no points to draw")
	case panel.Labels != nil && len(panel.Labels) != n:
		return nil, fmt.Errorf("%d labels for %d points", len(panel.Labels), n)
	}
	inf := math.Inf(1)
	p := &points{page: page, low: [2]float64{inf, inf}, high: [2]float64{-inf, -inf},
		alpha: o.Alpha, size: vg.Length(o.PointSize)}
	for i := range n {
		x, y := float64(panel.XY[2*i]), float64(panel.XY[2*i+1])
		if x-x != 0 || y-y != 0 {
			continue
		}
		p.low = [2]float64{min(p.low[0], x), min(p.low[1], y)}
		p.high = [2]float64{max(p.high[0], x), max(p.high[1], y)}
		p.xy = append(p.xy, panel.XY[2*i], panel.XY[2*i+1])
		c := classColor(0)
		if panel.Labels != nil {
			c = colors[panel.Labels[i]]
		}
		p.colors = append(p.colors, c)
	}
	p.alpha = max(p.alpha, min(1, 300/float64(len(p.colors))))
	if len(p.xy) == 0 {
		return nil, errors.New("no point has finite coordinates")
	}
	return p, nil
}

// Plot implements plot.Plotter.
func (p *points) Plot(c draw.Canvas, plt *plot.Plot) {
	toX, toY := plt.Transforms(&c)
	p.page.raster(c.Rectangle, func(m *image.RGBA, toPixel func(vg.Point) (x, y float64)) {
		layer := newDiscs(m.Bounds().Dx(), m.Bounds().Dy(), p.size.Dots(dpi)/2)
		for i, color := range p.colors {
			x, y := toPixel(vg.Point{X: toX(float64(p.xy[2*i])), Y: toY(float64(p.xy[2*i+1]))})
			layer.add(x, y, color, float32(p.alpha))
		}
		layer.write(m)
	})
}
