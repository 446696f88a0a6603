package notebook

import (
	"io"

	"latent/autoenc"
	"latent/internal/atomicfile"
	"latent/internal/figure"
	"latent/internal/run"
)

// formats of every figure; base + "." + format is its path.
var formats = []string{"png", "svg"}

// writeFigure draws a figure in all formats.
func writeFigure(base string, draw func(w io.Writer, format string) error) error {
	for _, format := range formats {
		err := atomicfile.Write(base+"."+format, func(w io.Writer) error { return draw(w, format) })
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLossFigure draws a run's loss.png and loss.svg (cell 4).
func writeLossFigure(folder *run.Folder, losses []autoenc.Loss) error {
	return writeFigure(folder.Path("loss"), func(w io.Writer, format string) error {
		return figure.Loss(w, format, run.Series{Losses: losses})
	})
}
