package notebook

import (
	"io"

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

// LossCurve is a run's total loss, step by step.
func LossCurve(name string, rows []run.Row) figure.Curve {
	values := make([]float64, len(rows))
	for i, r := range rows {
		values[i] = float64(r.Loss)
	}
	return figure.Curve{Name: name, Values: values}
}

// writeLossFigure draws a run's loss.png and loss.svg (cell 4).
func writeLossFigure(folder *run.Folder, rows []run.Row) error {
	return writeFigure(folder.Path("loss"), func(w io.Writer, format string) error {
		return figure.Loss(w, format, LossCurve("", rows))
	})
}
