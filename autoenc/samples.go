//go:build linux && cgo

package autoenc

import (
	"fmt"

	"latent/torch"
)

// Samples are rows to train on or to encode: bytes 0..255, taken as byte / 255
// like torchvision's ToTensor, or float32. They are borrowed, not copied, until
// they are used.
type Samples struct {
	n      int
	pixels []byte
	floats []float32
}

// FromPixels takes n images, row-major, one byte a pixel.
func FromPixels(images []byte, n int) Samples { return Samples{n: n, pixels: images} }

// FromFloats takes n rows of float32, row-major.
func FromFloats(x []float32, n int) Samples { return Samples{n: n, floats: x} }

// Len is the number of rows.
func (d Samples) Len() int { return d.n }

// dim is the number of features of a row; the values must be whole rows.
func (d Samples) dim() (int, error) {
	values := len(d.pixels) + len(d.floats)
	if d.n < 1 || values == 0 || values%d.n != 0 {
		return 0, fmt.Errorf("%d values are not %d rows", values, d.n)
	}
	return values / d.n, nil
}

// part are rows start to end, of dim features.
func (d Samples) part(start, end, dim int) Samples {
	p := Samples{n: end - start}
	if d.pixels != nil {
		p.pixels = d.pixels[start*dim : end*dim]
	} else {
		p.floats = d.floats[start*dim : end*dim]
	}
	return p
}

// on puts the samples on device, n x dim, float32.
func (d Samples) on(s *torch.Scope, device string, dim int) *torch.Tensor {
	if d.pixels == nil {
		return torch.From(s, device, d.floats, d.n, dim)
	}
	order := make([]int64, d.n)
	for i := range order {
		order[i] = int64(i)
	}
	return torch.From(s, device, d.pixels, d.n, dim).Pixels(torch.From(s, device, order, d.n))
}

// source is samples where the model is, ready to give batches.
type source struct {
	rows   *torch.Tensor // n x dim, uint8 or float32
	pixels bool
	device string
}

// load puts the samples into one tensor on device. The caller closes it.
func (d Samples) load(device string) (*source, error) {
	dim, err := d.dim()
	if err != nil {
		return nil, err
	}
	src := &source{pixels: d.pixels != nil, device: device}
	err = torch.Do(func(s *torch.Scope) {
		if src.pixels {
			src.rows = s.Keep(torch.From(s, device, d.pixels, d.n, dim))
		} else {
			src.rows = s.Keep(torch.From(s, device, d.floats, d.n, dim))
		}
	})
	return src, err
}

// batch gathers the rows that index names: len(index) x dim, float32.
func (src *source) batch(s *torch.Scope, index []int64) *torch.Tensor {
	return src.gather(torch.From(s, src.device, index, len(index)))
}

// gather is batch with the index where the samples are.
func (src *source) gather(at *torch.Tensor) *torch.Tensor {
	if src.pixels {
		return src.rows.Pixels(at)
	}
	return src.rows.Rows(at)
}

func (src *source) Close() { src.rows.Close() }
