// Package contrastive holds the losses on latents that can be added to the
// autoencoder's reconstruction loss (cells 8 to 10 and beyond): the notebook's,
// NT-Xent and SupCon. Each is an autoenc.ExtraLoss:
//
//	options := autoenc.DefaultOptions()
//	options.Extra = contrastive.DefaultSupCon()
//	trainer, err := autoenc.NewTrainer(model, images, labels, options)
//
// The notebook's loss only pushes two classes apart, and does not help: it costs
// more than half of the reconstruction and leaves the centroid classifier where it
// was. NT-Xent, which uses no label, and SupCon, which uses them all, do help.
package contrastive
