package figure

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
)

// previewSide is about how many pixels an image of [Preview] takes each way.
const previewSide = 84

// Preview draws rows of images under each other like [Reconstructions], as a PNG without
// labels or page: in a few milliseconds, so that it can be drawn while a model is trained.
// Each pixel is a square of pixels, and what lies between images is transparent.
func Preview(w io.Writer, lines []ImageRow, rows, cols int) error {
	most := 0
	for i, line := range lines {
		if err := checkImages(line.Pixels, rows, cols); err != nil {
			return fmt.Errorf("figure: Preview: row %d: %w", i+1, err)
		}
		most = max(most, len(line.Pixels)/(rows*cols))
	}
	scale := max(1, previewSide/max(rows, cols))
	const gap = 4
	height, width := rows*scale+gap, cols*scale+gap
	// Grey 0 to 254, and nothing.
	palette := make(color.Palette, 256)
	for v := range palette {
		palette[v] = grayColor(float64(v) / 254)
	}
	const none = 255
	palette[none] = color.Transparent
	m := image.NewPaletted(image.Rect(0, 0, max(1, most*width-gap), max(1, len(lines)*height-gap)),
		palette)
	for i := range m.Pix {
		m.Pix[i] = none
	}
	for k, line := range lines {
		for i, v := range line.Pixels {
			at, pixel := i/(rows*cols), i%(rows*cols)
			x, y := at*width+pixel%cols*scale, k*height+pixel/cols*scale
			level := uint8(0)
			if v > 0 { // and not NaN
				level = uint8(254*min(v, 1) + 0.5)
			}
			for dy := range scale {
				for dx := range scale {
					m.SetColorIndex(x+dx, y+dy, level)
				}
			}
		}
	}
	if err := png.Encode(w, m); err != nil {
		return fmt.Errorf("figure: Preview: %w", err)
	}
	return nil
}
