package report

import (
	"context"
	"fmt"
	"image"
	_ "image/gif"  // formats of pictures in a folder
	_ "image/jpeg" // the same
	_ "image/png"  // the same
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"latent/dataset"
	"latent/internal/atomicfile"
	"latent/internal/matrix"
)

// thumbnail is the longest side, in pixels, of pictures from a folder; larger ones are
// made smaller.
const thumbnail = 64

// maxPixels bounds a picture that is decoded.
const maxPixels = 1 << 26

func (s Sources) readPictures(ctx context.Context, e *Explorer) error {
	if s.Pictures == "" {
		return nil
	}
	info, err := os.Stat(s.Pictures)
	if err == nil && info.IsDir() {
		return s.readFolder(ctx, e)
	}
	if strings.EqualFold(filepath.Ext(s.Pictures), ".npy") {
		return s.readArray(e)
	}
	x, err := dataset.ReadIDX(s.Pictures)
	if err != nil {
		return err
	}
	if len(x.Dims) != 3 {
		return fmt.Errorf("%s has %d dimensions: pictures have three, n x height x width",
			s.Pictures, len(x.Dims))
	}
	if err := s.fits(s.Pictures, "pictures", x.Dims[0], e.N); err != nil {
		return err
	}
	h, w := x.Dims[1], x.Dims[2]
	e.Pictures = &Pictures{h, w, 1, matrix.Every(x.Data, h*w, s.Every)}
	return nil
}

// readArray reads n x h x w grey pictures, n x h x w x 3 coloured ones, or a matrix of one
// square grey picture per row. Bytes are values from 0 to 255; of other numbers, those up to 1
// are fractions of white.
func (s Sources) readArray(e *Explorer) error {
	a, err := decodeArray(s.Pictures)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Pictures, err)
	}
	if err := s.fits(s.Pictures, "pictures", a.Shape[0], e.N); err != nil {
		return err
	}
	p := &Pictures{Channels: 1}
	switch d := a.Shape; {
	case len(d) == 2:
		side := int(math.Sqrt(float64(d[1])))
		if side*side != d[1] {
			return fmt.Errorf("%s has %d values per row: a square picture has a square of "+
				"pixels (784 is 28 x 28); "+
				"others are n x height x width", s.Pictures, d[1])
		}
		p.Height, p.Width = side, side
	case len(d) == 3:
		p.Height, p.Width = d[1], d[2]
	case len(d) == 4 && (d[3] == 1 || d[3] == 3):
		p.Height, p.Width, p.Channels = d[1], d[2], d[3]
	default:
		return fmt.Errorf("%s has %d dimensions: pictures are n x height x width, or with 3 "+
			"values for each pixel", s.Pictures, len(d))
	}
	if p.Pixels = a.Bytes; p.Pixels == nil {
		scale := float32(1)
		if slices.Max(a.Floats) <= 1 {
			scale = 255
		}
		p.Pixels = make([]byte, len(a.Floats))
		for i, v := range a.Floats {
			p.Pixels[i] = byte(min(255, max(0, v*scale+0.5)))
		}
	}
	p.Pixels = matrix.Every(p.Pixels, a.Width(), s.Every)
	e.Pictures = p
	return nil
}

func decodeArray(path string) (matrix.Array, error) {
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return matrix.Array{}, err
	}
	defer f.Close()
	return matrix.DecodeArray(f, size)
}

// readFolder reads the pictures of a folder in the order of their names.
func (s Sources) readFolder(ctx context.Context, e *Explorer) error {
	entries, err := os.ReadDir(s.Pictures)
	if err != nil {
		return err
	}
	var files []string
	for _, f := range entries {
		switch strings.ToLower(filepath.Ext(f.Name())) {
		case ".png", ".jpg", ".jpeg", ".gif":
			files = append(files, filepath.Join(s.Pictures, f.Name()))
		}
	}
	if err := s.fits(s.Pictures, "pictures", len(files), e.N); err != nil {
		return err
	}
	for i, path := range matrix.Every(files, 1, s.Every) {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := decode(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if i == 0 {
			w, h := m.Bounds().Dx(), m.Bounds().Dy()
			side := max(w, h, thumbnail)
			e.Pictures = &Pictures{max(1, h*thumbnail/side), max(1, w*thumbnail/side), 3, nil}
			if max(w, h) <= thumbnail {
				e.Pictures.Height, e.Pictures.Width = h, w
			}
		}
		e.Pictures.add(m)
	}
	return nil
}

func decode(path string) (image.Image, error) {
	f, _, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return nil, fmt.Errorf("%d x %d pixels are too many", c.Width, c.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	m, _, err := image.Decode(f)
	return m, err
}

// add appends m, fitted into the pictures' size: each pixel is the mean of those of m
// that it covers, and what m leaves free is black.
func (p *Pictures) add(m image.Image) {
	b := m.Bounds()
	scale := max(float64(b.Dx())/float64(p.Width), float64(b.Dy())/float64(p.Height))
	w := min(p.Width, max(1, int(math.Round(float64(b.Dx())/scale))))
	h := min(p.Height, max(1, int(math.Round(float64(b.Dy())/scale))))
	left, top := (p.Width-w)/2, (p.Height-h)/2
	at := len(p.Pixels)
	p.Pixels = append(p.Pixels, make([]byte, p.size())...)
	for y := range h {
		y0, y1 := b.Dy()*y/h, max(b.Dy()*(y+1)/h, b.Dy()*y/h+1)
		for x := range w {
			x0, x1 := b.Dx()*x/w, max(b.Dx()*(x+1)/w, b.Dx()*x/w+1)
			var sum [3]uint64
			for v := y0; v < y1; v++ {
				for u := x0; u < x1; u++ {
					r, g, bl, _ := m.At(b.Min.X+u, b.Min.Y+v).RGBA()
					sum[0], sum[1], sum[2] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(bl)
				}
			}
			count := uint64((y1 - y0) * (x1 - x0))
			for c, v := range sum {
				p.Pixels[at+3*((top+y)*p.Width+left+x)+c] = byte(v / count >> 8)
			}
		}
	}
}
