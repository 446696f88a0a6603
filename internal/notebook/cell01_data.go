//go:build linux && cgo

package notebook

import (
	"context"
	"io"

	"latent/internal/figure"
	"latent/internal/train"
)

// open reads the dataset when the first stage needs it (cell 1).
func (b *book) open(ctx context.Context, label string) error {
	d, err := train.OpenData(ctx, b.o.Data, b.o.Dataset, b.o.Limit, b.report)
	if err != nil {
		return err
	}
	b.report.Printf("%s  %s, %d training and %d test images", label, d.Name, d.Train.N, d.Test.N)
	b.data = d
	return nil
}

// sample shows the first training image (cell 1).
func (d *drawing) sample(w io.Writer, format string) error {
	s := d.data.Train
	title := "First training image: " + ClassNames(d.data.Name)[s.Labels[0]]
	return figure.Sample(w, format, title, s.First(1).Floats(), s.Rows, s.Cols)
}

// ClassNames are the names of a dataset's ten classes.
func ClassNames(dataset string) []string {
	switch dataset {
	case "fashion-mnist":
		return []string{"T-shirt", "trouser", "pullover", "dress", "coat",
			"sandal", "shirt", "sneaker", "bag", "boot"}
	case "kmnist":
		return []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}
	}
	return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
}
