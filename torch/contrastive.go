//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

// SupCon is the supervised contrastive loss (arXiv 2004.11362, eq. 2) of the rows
// of z (n x d) with labels (n, int64), one number with gradients for z. Two rows of
// one label are a positive pair; with one label for each image's two views it is
// NT-Xent (arXiv 2002.05709, eq. 1). Over the rows i that have a positive:
//
//	mean_i [ log sum_{k != i} exp(s_ik) - mean_{p positive of i} s_ip ]
//
//	s_ij = scale <z_i, z_j>                  norms false
//	s_ij = scale (<z_i, z_j> - |z_j|^2 / 2)  norms true
//
// The second is -|z_i - z_j|^2 scale / 2 but for a constant in each row, which
// cancels, in value and in gradient. n is at least 2; without a positive pair the
// loss is 0. The n x n matrix is never held: memory grows with n d.
func SupCon(z, labels *Tensor, scale float64, norms bool) *Tensor {
	var out C.Tensor
	check("supcon", C.latent_supcon(z.c(), labels.c(), C.double(scale), C.bool(norms), &out))
	return scopeOf(z, labels).own(out)
}

// Float is the tensor in float32, itself where it is.
func (t *Tensor) Float() *Tensor {
	var out C.Tensor
	check("float", C.latent_float(t.c(), &out))
	return scopeOf(t).own(out)
}
