//go:build linux && cgo

package train

import (
	"context"
	"io"

	"latent/autoenc"
	"latent/internal/atomicfile"
	"latent/internal/figure"
	"latent/internal/run"
)

// previewImages is the number of test images in a preview.
const previewImages = 10

// preview draws test images above what the model, as it is now, makes of them.
func (j *job) preview() error {
	test := j.data.Test
	if test.Rows < 2 || test.Cols < 2 {
		return nil // no pictures
	}
	few := test.First(min(previewImages, test.N))
	// It takes milliseconds: an interrupted run still gets it.
	made, err := autoenc.Reconstruct(context.Background(), j.trainer.Model, Samples(few))
	if err != nil {
		return err
	}
	lines := []figure.ImageRow{{Pixels: few.Floats()}, {Pixels: made}}
	return atomicfile.Write(j.folder.Path(run.PreviewFile), func(w io.Writer) error {
		return figure.Preview(w, lines, few.Rows, few.Cols)
	})
}
