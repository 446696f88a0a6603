package figure

import (
	_ "embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// viridis is matplotlib's colour map: 256 colours of three bytes
// (internal/figure/testdata/golden.py).
//
//go:embed viridis.rgb
var viridis string

func viridisColor(v float64) color.RGBA {
	i := 3 * min(int(v*256), 255)
	return color.RGBA{viridis[i], viridis[i+1], viridis[i+2], 255}
}

func grayColor(v float64) color.RGBA {
	g := uint8(v*255 + 0.5)
	return color.RGBA{g, g, g, 255}
}

// Sample draws one image of rows x cols pixels as matplotlib's imshow does
// (cell 1 of the notebook): colours of viridis from the least to the greatest
// pixel, a pixel's centre at its whole-numbered place, the first row on top. The
// figure is 3 inches high and as wide as the image needs. Pixels that are not
// finite stay white. format is "png", "svg" or "pdf".
func Sample(w io.Writer, format, title string, pixels []float32, rows, cols int) error {
	if err := sample(w, format, title, pixels, rows, cols); err != nil {
		return fmt.Errorf("figure: Sample: %w", err)
	}
	return nil
}

func sample(w io.Writer, format, title string, pixels []float32, rows, cols int) error {
	if err := checkImages(pixels, rows, cols); err != nil {
		return err
	}
	if len(pixels) != rows*cols {
		return fmt.Errorf("%d pixels: want %d x %d", len(pixels), rows, cols)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range pixels {
		if v := float64(v); v-v == 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return errors.New("no pixel is finite")
	}
	if low == high {
		high = low + 1
	}
	p := newPlot()
	p.X.Min, p.X.Max = -0.5, float64(cols)-0.5
	p.Y.Min, p.Y.Max = -0.5, float64(rows)-0.5
	p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	p.X.Tick.Marker, p.Y.Tick.Marker = wholeTicks(8), wholeTicks(8)

	// Take from the width what makes pixels square.
	const height = panelHeight
	width := height * vg.Length(min(max(float64(cols)/float64(rows), 0.25), 4))
	crop := func(c draw.Canvas) draw.Canvas {
		return draw.Crop(c, margin, -rightMargin, margin, -margin-titleHeight(title))
	}
	trial, err := newPage("svg", width, height)
	if err != nil {
		return err
	}
	data := p.DataCanvas(crop(trial.Canvas)).Rectangle.Size()
	width += data.Y*vg.Length(cols)/vg.Length(rows) - data.X
	width = min(max(width, vg.Inch), 16*vg.Inch)

	page, err := newPage(format, width, height)
	if err != nil {
		return err
	}
	p.Add(picture{page: page, pixels: pixels, rows: rows, cols: cols,
		color: func(v float32) color.Color {
			return viridisColor((float64(v) - low) / (high - low))
		}}, frame{title})
	p.Draw(crop(page.Canvas))
	return page.write(w)
}

// checkImages checks that pixels hold whole images, one at least.
func checkImages(pixels []float32, rows, cols int) error {
	switch {
	case rows < 1 || cols < 1 || rows > 1<<14 || cols > 1<<14:
		return fmt.Errorf("images of %d x %d pixels: want 1 to %d each way", rows, cols, 1<<14)
	case len(pixels) == 0:
		return errors.New("no pixels to draw")
	case len(pixels)%(rows*cols) != 0:
		return fmt.Errorf("%d pixels do not make images of %d x %d", len(pixels), rows, cols)
	}
	return nil
}

// picture draws an image over the whole data area.
type picture struct {
	page       *page
	pixels     []float32
	rows, cols int
	color      func(float32) color.Color
}

func (p picture) Plot(c draw.Canvas, _ *plot.Plot) { p.draw(c.Rectangle) }

func (p picture) draw(r vg.Rectangle) {
	p.page.raster(r, func(m *image.RGBA, _ func(vg.Point) (x, y float64)) {
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		for y := range h {
			for x := range w {
				if v := p.pixels[y*p.rows/h*p.cols+x*p.cols/w]; v-v == 0 {
					m.Set(x, y, p.color(v))
				} else {
					m.Set(x, y, white)
				}
			}
		}
	})
}

// ImageRow is one row of images in [Reconstructions].
type ImageRow struct {
	Label  string
	Pixels []float32 // n x height x width, 0 (black) to 1 (white)
}

// Reconstructions draws rows of images under each other, such as test images
// above what each model makes of them, with the label of each row at its left.
// All images are rows x cols pixels; values outside 0 to 1 are cut off. The
// figure is 9.6 inches wide and as high as the images need. format is "png",
// "svg" or "pdf".
func Reconstructions(w io.Writer, format string, lines []ImageRow, rows, cols int) error {
	if err := reconstructions(w, format, lines, rows, cols); err != nil {
		return fmt.Errorf("figure: Reconstructions: %w", err)
	}
	return nil
}

func reconstructions(w io.Writer, format string, lines []ImageRow, rows, cols int) error {
	const (
		width = 2 * panelWidth
		gap   = 3 // points between images
	)
	if len(lines) == 0 {
		return errors.New("no images to draw")
	}
	style := textStyle(textSize, draw.XRight, draw.YCenter)
	most, label := 0, vg.Length(0)
	for i, line := range lines {
		if err := checkImages(line.Pixels, rows, cols); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		most = max(most, len(line.Pixels)/(rows*cols))
		label = max(label, style.Width(line.Label))
	}
	if label > 0 {
		label = min(label, width/3) + 8
	}
	cell := min((width-2*margin-label+gap)/vg.Length(most)-gap, 1.2*vg.Inch)
	if cell < 1 {
		return fmt.Errorf("%d images per row: want fewer, so that they can be seen", most)
	}
	cellHeight := cell * vg.Length(rows) / vg.Length(cols)
	height := vg.Length(len(lines))*(cellHeight+gap) - gap + 2*margin
	if height > 100*vg.Inch {
		return fmt.Errorf("%d rows of images: want fewer", len(lines))
	}
	page, err := newPage(format, width, height)
	if err != nil {
		return err
	}
	descent := style.FontExtents().Descent
	for i, line := range lines {
		y := height - margin - vg.Length(i)*(cellHeight+gap)
		page.FillText(style, vg.Point{X: margin + label - 8, Y: y - cellHeight/2 + descent},
			line.Label)
		for k := range len(line.Pixels) / (rows * cols) {
			x := margin + label + vg.Length(k)*(cell+gap)
			picture{page: page, pixels: line.Pixels[k*rows*cols : (k+1)*rows*cols], rows: rows,
				cols: cols,
				color: func(
					v float32) color.Color {
					return grayColor(float64(min(max(v, 0), 1)))
				},
			}.draw(vg.Rectangle{Min: vg.Point{X: x, Y: y - cellHeight},
				Max: vg.Point{X: x + cell, Y: y}})
		}
	}
	return page.write(w)
}
