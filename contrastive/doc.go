//go:build linux && cgo

// Package contrastive holds losses on latent vectors that are added to the
// autoencoder's reconstruction loss: the notebook's own (cells 8 to 10), NT-Xent
// (Chen et al. 2020, SimCLR, equation 1) and SupCon (Khosla et al. 2020,
// equation 2). Each is an [autoenc.ExtraLoss]:
//
//	options := autoenc.DefaultOptions()
//	options.Extra = contrastive.DefaultSupCon()
//	trainer, err := autoenc.NewTrainer(model, images, labels, options)
//
// # Which one
//
//   - [Notebook] only pushes two classes apart, by direction. That takes long: after the
//     notebook's 500 epochs nearest centroids by cosine gain nine points, by the 2-norm
//     they lose one to two; after 20 or 30 epochs nothing is gained yet. The reconstruction
//     error about doubles.
//   - [NTXent] pulls an image and an augmented copy of it together. It uses no labels.
//   - [SupCon] pulls images of one class together. It uses all labels.
//   - [SelfLabel] is NT-Xent until the caller has found clusters, then SupCon on them in the
//     place of labels.
//
// NT-Xent and SupCon improve the classifier within 20 epochs; docs/contrastive.md has the figures.
package contrastive

import "latent/autoenc"

var (
	_ autoenc.ExtraLoss = Notebook{}
	_ autoenc.ExtraLoss = NTXent{}
	_ autoenc.ExtraLoss = SupCon{}
	_ autoenc.ExtraLoss = SelfLabel{}
)
