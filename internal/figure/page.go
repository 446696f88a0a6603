// Package figure draws the notebook's figures with gonum/plot: numbers in, the
// bytes of a PNG (200 dpi), SVG or PDF file out. Text and lines of SVG and PDF
// are vectors; points and pixels are embedded as one PNG for each panel, which
// keeps 20,000 points small.
//
// Values that cannot be drawn (NaN, infinities, on a log axis what is not above
// 0) are left out; a figure without any value left is an error.
package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	idraw "image/draw"
	"image/png"
	"io"
	"math"
	"os"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"latent/internal/axis"
)

// dpi is the resolution of PNG files and of pictures inside SVG and PDF files.
const dpi = 200

// page is a canvas in one of the formats.
type page struct {
	draw.Canvas
	img *vgimg.Canvas // for PNG only
	out io.WriterTo
}

func newPage(format string, w, h vg.Length) (*page, error) {
	p := &page{}
	switch format {
	case "png":
		p.img = vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dpi))
		p.Canvas = draw.NewCanvas(snapped{p.img}, w, h)
	case "svg":
		c := vgsvg.New(w, h)
		p.Canvas, p.out = draw.New(c), c
	case "pdf":
		c := &repaired{Canvas: vgpdf.New(w, h)}
		p.Canvas, p.out = draw.NewCanvas(c, w, h), c
	default:
		return nil, fmt.Errorf("unknown format %q: want png, svg or pdf", format)
	}
	p.SetColor(white)
	p.Fill(p.Rectangle.Path())
	return p, nil
}

// write sends the finished page to w.
func (p *page) write(w io.Writer) error {
	var buf bytes.Buffer
	if p.img != nil {
		if err := png.Encode(&buf, p.img.Image()); err != nil {
			return err
		}
		_, err := w.Write(withResolution(buf.Bytes()))
		return err
	}
	if _, err := p.out.WriteTo(&buf); err != nil {
		return err
	}
	out := buf.Bytes()
	if _, svg := p.out.(*vgsvg.Canvas); svg {
		// Two repairs of vgsvg: the media type of pictures, which are PNG, and a
		// font of the same widths where Liberation is not installed.
		out = bytes.ReplaceAll(out, []byte("data:image/jpg;"), []byte("data:image/png;"))
		out = bytes.ReplaceAll(out, []byte("font-family:Liberation Sans;"),
			[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	}
	_, err := w.Write(out)
	return err
}

// withResolution adds the chunk that states the resolution, which image/png
// leaves out, behind the header of a PNG file.
func withResolution(file []byte) []byte {
	const headerEnd = 8 + 12 + 13
	chunk := []byte("\x00\x00\x00\x09pHYs")
	perMetre := uint32(math.Round(dpi / 0.0254))
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(file[:headerEnd:headerEnd], append(chunk, file[headerEnd:]...)...)
}

// raster lets paint fill a transparent picture that covers the rectangle r, its
// edges on whole pixels, and draws it there. toPixel gives the place in the
// picture, y downwards, of a place on the page.
func (p *page) raster(r vg.Rectangle,
	paint func(m *image.RGBA, toPixel func(vg.Point) (x, y float64))) {
	const scale = dpi / 72.0
	round := func(l vg.Length) int { return int(math.Round(float64(l) * scale)) }
	x0, y0, x1, y1 := round(r.Min.X), round(r.Min.Y), round(r.Max.X), round(r.Max.Y)
	m := image.NewRGBA(image.Rect(0, 0, max(1, x1-x0), max(1, y1-y0)))
	paint(m, func(pt vg.Point) (x, y float64) {
		return float64(pt.X)*scale - float64(x0), float64(y1) - float64(pt.Y)*scale
	})
	if p.img != nil {
		page := p.img.Image()
		at := image.Pt(x0, page.Bounds().Dy()-y1)
		idraw.Draw(page, m.Bounds().Add(at), m, image.Point{}, idraw.Over)
		return
	}
	at := func(x,
		y int) vg.Point {
		return vg.Point{X: vg.Length(x) / scale, Y: vg.Length(y) / scale}
	}
	p.DrawImage(vg.Rectangle{Min: at(x0, y0), Max: at(x0+m.Bounds().Dx(), y0+m.Bounds().Dy())}, m)
}

// snapped draws horizontal and vertical lines with their edges on whole pixels,
// which keeps axes and grids crisp.
type snapped struct{ *vgimg.Canvas }

func (s snapped) SetLineWidth(w vg.Length) {
	if w > 0 {
		w = vg.Length(max(1, math.Round(w.Dots(dpi)))) * 72 / dpi
	}
	s.Canvas.SetLineWidth(w)
}

func (s snapped) Stroke(path vg.Path) {
	if len(path) == 2 && path[1].Type == vg.LineComp {
		a, b := path[0].Pos, path[1].Pos
		if a.X == b.X {
			a.X = snap(a.X)
			b.X = a.X
		} else if a.Y == b.Y {
			a.Y = snap(a.Y)
			b.Y = a.Y
		}
		path = vg.Path{{Type: vg.MoveComp, Pos: a}, {Type: vg.LineComp, Pos: b}}
	}
	s.Canvas.Stroke(path)
}

// snap rounds to the boundary between two pixels; lines here are two pixels wide.
func snap(l vg.Length) vg.Length { return vg.Length(math.Round(l.Dots(dpi))) * 72 / dpi }

// repaired hands vgpdf text in the encoding that it expects, Windows-1252, and
// pictures upside down, as it draws them. vgpdf makes its fonts by way of files
// in the system's folder for temporary files, and panics where it cannot; that
// comes out of WriteTo as an error.
type repaired struct {
	*vgpdf.Canvas
	err error
}

func (c *repaired) WriteTo(w io.Writer) (int64, error) {
	if c.err != nil {
		return 0, c.err
	}
	return c.Canvas.WriteTo(w)
}

func (c *repaired) DrawImage(r vg.Rectangle, m image.Image) {
	b := m.Bounds()
	flipped := image.NewRGBA(b)
	for y := range b.Dy() {
		idraw.Draw(flipped, image.Rect(b.Min.X, b.Min.Y+y, b.Max.X, b.Min.Y+y+1), m,
			image.Pt(b.Min.X, b.Max.Y-1-y), idraw.Src)
	}
	c.Canvas.DrawImage(r, flipped)
}

func (c *repaired) FillString(f font.Face, pt vg.Point, s string) {
	defer func() {
		if r := recover(); r != nil && c.err == nil {
			c.err = fmt.Errorf("%v (is %s writable, with room? TMPDIR names another folder)", r,
				os.TempDir())
		}
	}()
	var out []byte
	for _, r := range s {
		switch {
		case r == axis.Minus:
			out = append(out, 0x96) // en dash
		case r < 256:
			out = append(out, byte(r))
		default:
			out = append(out, '?')
		}
	}
	c.Canvas.FillString(f, pt, string(out))
}
