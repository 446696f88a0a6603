//go:build linux && cgo

package notebook

import (
	"context"
	"io"

	"latent/autoenc"
	"latent/internal/figure"
	"latent/internal/train"
)

// encode returns the latents of a trained model (cells 2, 5 and 10).
func (b *book) encode(ctx context.Context, s *space) (train.Space, error) {
	if s.latents != nil {
		return *s.latents, nil
	}
	m, err := b.model(s)
	if err != nil {
		return train.Space{}, err
	}
	defer m.Close()
	latents, err := train.Latents(ctx, s.name, m, b.data)
	if err == nil {
		s.latents = &latents
	}
	return latents, err
}

func (b *book) model(s *space) (*train.Model, error) {
	return train.Open(b.folder.Path(s.name), b.o.Device, b.o.Threads)
}

// shownImages is the number of test images that are shown with their
// reconstructions.
const shownImages = 10

// reconstruct gathers test images and what the models make of them.
func (b *book) reconstruct(ctx context.Context) ([]figure.ImageRow, error) {
	few := b.data.Test.First(shownImages)
	rows := []figure.ImageRow{{Label: "test image", Pixels: few.Floats()}}
	if !b.images() {
		return nil, nil
	}
	for _, s := range b.models() {
		m, err := b.model(s)
		if err != nil {
			return nil, err
		}
		pixels, err := autoenc.Reconstruct(ctx, m, train.Samples(few))
		m.Close()
		if err != nil {
			return nil, err
		}
		rows = append(rows, figure.ImageRow{Label: s.name, Pixels: pixels})
	}
	return rows, nil
}

// reconstructions shows them, one row per model.
func (d *drawing) reconstructions(w io.Writer, format string) error {
	few := d.data.Test.First(shownImages)
	var shown []figure.ImageRow
	for _, row := range d.images {
		shown = append(shown, figure.ImageRow{Label: row.Label, Pixels: d.show(row.Pixels, few)})
	}
	return figure.Reconstructions(w, format, shown, few.Rows, few.Cols)
}
