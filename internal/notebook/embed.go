package notebook

import (
	"fmt"
	"math"

	"latent/internal/progress"
	"latent/torch"
	"latent/tsne"
)

// Neighbors is the neighbour search that this program hands to tsne: nil, tsne's
// own, where tsne has assembly, else the same search on libtorch's matrix product.
func Neighbors(threads int) tsne.Neighbors {
	if tsne.Accelerated() || torch.Init(threads) != nil {
		return nil
	}
	return tsne.ExactNeighbors{Threads: threads, Product: torch.Product}
}

// ShowTSNE shows a t-SNE run's progress as one job.
func ShowTSNE(r Reporter, label string) func(tsne.Progress) {
	return func(p tsne.Progress) {
		if p.Iteration == 0 {
			r.Update(progress.Status{Label: label, Note: string(p.Stage)})
			return
		}
		s := progress.Status{Label: label, Unit: "iterations", Done: p.Iteration, Total: p.Iterations}
		if !math.IsNaN(p.KL) {
			s.Tail = fmt.Sprintf("KL %.4f", p.KL)
		}
		r.Update(s)
	}
}
