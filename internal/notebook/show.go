// Package notebook runs the notebook's ten cells, in files named after them: it
// trains models into run folders, embeds, draws, measures and reports, each a stage
// that is done once. Without libtorch only what `latent tsne` shares with it is left.
package notebook

import (
	"fmt"
	"math"

	"latent/internal/progress"
	"latent/tsne"
)

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
		s := progress.Status{Label: label, Unit: "iterations", Done: p.Iteration,
			Total: p.Iterations}
		if !math.IsNaN(p.KL) {
			s.Tail = fmt.Sprintf("KL %.4f", p.KL)
		}
		r.Update(s)
	}
}

// status is a job without a count.
func status(label, note string) progress.Status {
	return progress.Status{Label: label, Note: note}
}
