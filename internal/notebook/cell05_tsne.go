package notebook

import (
	"context"
	"fmt"
	"math"

	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/torch"
	"latent/tsne"
)

// embed embeds each k-th training image of a space (cells 5 and 10), with the
// notebook's random_state=3.
func (b *book) embed(ctx context.Context, label string, s *space) (run.TSNE, error) {
	images := b.data.Train
	x := matrix.Matrix{Rows: images.N}
	if s == b.original {
		x.Data = images.Floats()
		if err := matrix.WriteLabels(b.folder.Path("tsne/labels.npy"), b.labels()); err != nil {
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
	frames := run.NewFrames(b.folder.Path("tsne/" + s.name + ".frame.npy"))
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
	result := run.TSNE{KL: e.KL, Iterations: e.Iterations, Seconds: e.Elapsed.Seconds(), Schedule: e.Schedule.String()}
	return result, matrix.WriteFile(b.mapPath(s), y)
}

// mapPath is where the map of a space is.
func (b *book) mapPath(s *space) string { return b.folder.Path("tsne/" + s.name + ".npy") }

// labels are those of the embedded images.
func (b *book) labels() []int { return matrix.Every(b.data.Train.Labels, 1, b.o.Every) }

// Neighbors is the neighbour search that this program hands to tsne: nil, tsne's
// own, where tsne has assembly, else the same search on libtorch's matrix product.
func Neighbors(threads int) tsne.Neighbors {
	if tsne.Accelerated() || torch.Init(threads) != nil {
		return nil
	}
	return tsne.ExactNeighbors{Threads: threads, Product: torch.Product}
}

// ShowTSNE shows a t-SNE run's progress as one job.
func ShowTSNE(r progress.Reporter, label string) func(tsne.Progress) {
	return func(p tsne.Progress) {
		if p.Iteration == 0 {
			s := status(label, string(p.Stage))
			if p.TotalRows > 0 {
				s.Unit, s.Done, s.Total = "rows", p.Rows, p.TotalRows
			}
			r.Update(s)
			return
		}
		s := progress.Status{Label: label, Unit: "iterations", Done: p.Iteration, Total: p.Iterations}
		if !math.IsNaN(p.KL) {
			s.Tail = fmt.Sprintf("KL %.4f", p.KL)
		}
		r.Update(s)
	}
}
