//go:build linux && cgo

package notebook

import (
	"context"

	"latent/internal/matrix"
	"latent/internal/run"
	"latent/tsne"
)

// embed embeds each k-th training image of a space (cells 5 and 10), with the
// notebook's random_state=3.
func (b *book) embed(ctx context.Context, label string, s *space) (run.TSNE, error) {
	images := b.data.Train
	x := matrix.Matrix{Rows: images.N}
	if s == b.original {
		x.Data = images.Floats()
		if err := matrix.WriteLabels(b.folder.Path("tsne/labels.npy"),
			b.savedLabels()); err != nil {
			return run.TSNE{}, err
		}
	} else {
		latents, err := b.encode(ctx, s)
		if err != nil {
			return run.TSNE{}, err
		}
		x.Data = latents.Train
	}
	x.Cols = len(x.Data) / x.Rows
	x = x.Every(b.o.Every)

	o := tsne.DefaultOptions()
	o.Seed, o.Threads, o.Progress = 3, b.o.Threads, ShowTSNE(b.report, label)
	o.Neighbors = Neighbors(o.Threads)
	frames := run.NewFrames(run.FrameFile(b.mapPath(s)))
	defer frames.Close()
	o.CallbackEvery = 5
	o.Callback = func(_ int, _ float64, y []float32) bool {
		frames.Show(y, x.Rows)
		return false
	}
	e, err := tsne.Fit(ctx, x.Data, x.Rows, o)
	if err != nil {
		return run.TSNE{}, err
	}
	y := matrix.Matrix{Data: e.Y, Rows: e.N, Cols: e.Components}
	result := run.TSNE{KL: e.KL, Iterations: e.Iterations, Seconds: e.Elapsed.Seconds(),
		Schedule: e.Schedule.String()}
	return result, matrix.WriteFile(b.mapPath(s), y)
}

// mapPath is where the map of a space is.
func (b *book) mapPath(s *space) string { return b.folder.Path("tsne/" + s.name + ".npy") }
