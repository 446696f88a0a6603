//go:build linux && cgo

package train

import (
	"strings"

	"latent/contrastive"
)

// Options lists the options of c, each with a pointer to its field.
func (c *Config) Options() []Option {
	losses := append([]string{"none"}, contrastive.Names()...)
	const own = "the loss's own"
	return append([]Option{
		{"epochs", "Epochs", &c.Epochs, "", "total number of passes over the training images"},
		{"batch-size", "BatchSize", &c.BatchSize, "", "images per step"},
		{"lr", "LearningRate", &c.LearningRate, "", "Adam's learning rate"},
		{"weight-decay", "WeightDecay", &c.WeightDecay, "",
			"factor of the L2 term in the gradient"},
		{"shuffle", "Shuffle", &c.Shuffle, "",
			"shuffle the images every epoch (--shuffle=false: keep their order)"},
		{"precision", "Precision", &c.Precision, "",
			"number format of matrix products: fp32, tf32 (CUDA) or bf16"},
		{"plain", "Plain", &c.Plain, "",
			"train with gotorch's own operations, one at a time: slower, but simple to check"},
		{"init", "Init", &c.Init, "", "initial weights: the state_dict in `FILE.pt`"},
		{"encoder-widths", "EncoderWidths", &c.EncoderWidths, "1000,25,50",
			"output features of the encoder's layers, the last of them those of the latent space"},
		{"decoder-widths", "DecoderWidths", &c.DecoderWidths, "1000",
			"output features of the decoder's layers but the last, which has the input's"},
		{"seed", "Seed", &c.Seed, "", "random seed, with the meaning of torch.manual_seed"},
		{"limit", "Limit", &c.Limit, "all",
			"use only the first `N` images of each split, for a quick try"},
		{"contrastive", "Contrastive", &c.Contrastive, "",
			"contrastive loss to add: " + strings.Join(losses, ", ")},
		{"temperature", "Temperature", &c.Temperature, own, "temperature of the contrastive loss"},
		{"similarity", "Similarity", (*string)(&c.Similarity), own,
			"similarity in the contrastive loss: cosine or euclidean"},
		{"augment", "Augment", &c.Augment, own,
			"give supcon an augmented copy of each image, as nt-xent and self-label always have"},
		{"clusters", "Clusters", &c.Clusters, own, "number of clusters that self-label looks for"},
		{"contrastive-weight", "Weight", &c.Weight, own,
			"weight of the contrastive loss beside the reconstruction loss"},
	}, append(c.OwnData.Options("auto"),
		PlaceOptions(&c.Data, &c.Dataset, &c.Device, &c.Threads)...)...)
}
