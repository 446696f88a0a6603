//go:build linux && cgo

package notebook

import (
	"context"
	"io"

	"latent/dataset"
	"latent/internal/figure"
)

// open reads the dataset when the first stage needs it (cell 1).
func (b *book) open(ctx context.Context, label string) error {
	if b.data != nil {
		return nil
	}
	d, err := b.o.Config.Open(ctx, b.report)
	if err != nil {
		return err
	}
	what := "images"
	if !d.Train.IsImage() {
		what = "rows"
	}
	b.report.Printf("%s  %s, %d training and %d test %s", label, d.Name, d.Train.N, d.Test.N, what)
	b.data = d
	return nil
}

// sample shows the first training image (cell 1).
func (d *drawing) sample(w io.Writer, format string) error {
	s := d.data.Train
	title := "First training image"
	if s.Labels != nil && s.Labels[0] != dataset.Unknown {
		title += ": " + d.data.Classes[s.Labels[0]]
	}
	first := s.First(1)
	return figure.Sample(w, format, title, d.show(first.Floats(), first), s.Rows, s.Cols)
}
