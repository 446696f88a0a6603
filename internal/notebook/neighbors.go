//go:build linux && cgo

package notebook

import (
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
