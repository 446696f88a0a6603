package figure

import (
	"image"
	"image/color"
	"math"
)

// places is the number of places within a pixel, each way, that a disc's centre
// is rounded to.
const places = 4

// discs is a picture that discs of one radius are blended onto. It keeps colours
// as float32, premultiplied, so that thousands of faint discs add up right.
type discs struct {
	w, h   int
	pixels [][4]float32
	stamps [places * places][]float32 // coverage, 0 to 1, for each place of the centre
	side   int                        // of a stamp
	reach  int                        // pixels of a stamp left of the centre's
}

func newDiscs(w, h int, radius float64) *discs {
	reach := int(math.Ceil(radius + 0.5))
	d := &discs{w: w, h: h, pixels: make([][4]float32, w*h), reach: reach, side: 2*reach + 1}
	for place := range d.stamps {
		cx := float64(reach) + (float64(place%places)+0.5)/places
		cy := float64(reach) + (float64(place/places)+0.5)/places
		stamp := make([]float32, d.side*d.side)
		for i := range stamp {
			stamp[i] = coverage(float64(i%d.side)-cx, float64(i/d.side)-cy, radius)
		}
		d.stamps[place] = stamp
	}
	return d
}

// coverage returns the share of the pixel from (x, y) to (x+1, y+1) that lies
// within radius of the origin.
func coverage(x, y, radius float64) float32 {
	const fine = 8
	in := 0
	for i := range fine * fine {
		dx, dy := x+(float64(i%fine)+0.5)/fine, y+(float64(i/fine)+0.5)/fine
		if dx*dx+dy*dy <= radius*radius {
			in++
		}
	}
	return float32(in) / (fine * fine)
}

// add blends a disc around (x, y) over what is there.
func (d *discs) add(x, y float64, c color.RGBA, alpha float32) {
	ix, iy := int(math.Floor(x)), int(math.Floor(y))
	place := int((y-float64(iy))*places)*places + int((x-float64(ix))*places)
	stamp := d.stamps[place]
	r, g, b := float32(c.R)/255, float32(c.G)/255, float32(c.B)/255
	x0, y0 := ix-d.reach, iy-d.reach
	for row := max(0, -y0); row < min(d.side, d.h-y0); row++ {
		line := d.pixels[(y0+row)*d.w:][:d.w]
		for col := max(0, -x0); col < min(d.side, d.w-x0); col++ {
			a := alpha * stamp[row*d.side+col]
			if a == 0 {
				continue
			}
			p, keep := &line[x0+col], 1-a
			p[0] = p[0]*keep + r*a
			p[1] = p[1]*keep + g*a
			p[2] = p[2]*keep + b*a
			p[3] = p[3]*keep + a
		}
	}
}

// write puts the picture into m, which is of its size.
func (d *discs) write(m *image.RGBA) {
	for i, p := range d.pixels {
		for k, v := range p {
			m.Pix[4*i+k] = uint8(v*255 + 0.5)
		}
	}
}
