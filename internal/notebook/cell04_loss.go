//go:build linux && cgo

package notebook

import (
	"io"

	"latent/internal/figure"
	"latent/internal/run"
)

// losses are the training losses of all models.
func (b *book) losses() ([]run.Series, error) {
	var list []run.Series
	for _, s := range b.models() {
		rows, err := run.ReadLosses(b.folder.Path(s.name))
		if err != nil {
			return nil, err
		}
		list = append(list, run.Series{Model: s.name, Losses: rows})
	}
	return list, nil
}

// lossCurves draws them against iterations on a log axis (cell 4).
func (d *drawing) lossCurves(w io.Writer, format string) error {
	return figure.Loss(w, format, d.losses...)
}
