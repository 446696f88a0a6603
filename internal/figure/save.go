package figure

import (
	"io"

	"latent/internal/atomicfile"
)

// Formats are those in which every figure is kept; base + "." + format is its path.
var Formats = []string{"png", "svg"}

// Save writes a figure in all Formats.
func Save(base string, draw func(w io.Writer, format string) error) error {
	for _, format := range Formats {
		err := atomicfile.Write(base+"."+format,
			func(w io.Writer) error { return draw(w, format) })
		if err != nil {
			return err
		}
	}
	return nil
}
