// Package autoenc is the notebook's autoencoder: the model (problem 1), the
// DataLoader's order, the training loop (problem 2), encoding and evaluation.
//
//	model, err := autoenc.New(784, seed)
//	trainer, err := autoenc.NewTrainer(model, autoenc.FromPixels(images, n), labels, options)
//	err = trainer.Run(ctx)
//	latents, err := autoenc.Encode(ctx, model, autoenc.FromPixels(images, n))
//
// A Trainer trains any Model, with any ExtraLoss beside the reconstruction loss;
// AutoEncoder is the notebook's model, or one like it with other Widths.
//
// With the same seed it gives PyTorch's initial weights bit for bit, the batches
// of DataLoader(shuffle=True), and its losses within rounding. Images are rows of
// 784 pixels, 0 to 1 (or bytes, taken as byte / 255); latents are rows of 50.
//
// libtorch keeps one default generator per process: two trainers must not run at
// the same time in one process if their numbers are to be reproduced.
package autoenc
