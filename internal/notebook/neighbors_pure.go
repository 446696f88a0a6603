//go:build !(linux && cgo)

package notebook

import "latent/tsne"

// Neighbors is the neighbour search that this program hands to tsne: without libtorch
// always nil, tsne's own.
func Neighbors(int) tsne.Neighbors { return nil }
