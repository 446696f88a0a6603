//go:build linux && cgo

package autoenc_test

import (
	"context"
	"fmt"
	"log"

	"latent/autoenc"
)

// Train on a hundred images, then encode them.
func Example() {
	images := make([]byte, 100*784) // n x 784, one byte a pixel; see dataset for MNIST
	for i := range images {
		images[i] = byte(i * 7)
	}
	model, err := autoenc.New(784, 0)
	if err != nil {
		log.Fatal(err)
	}
	o := autoenc.DefaultOptions()
	o.Epochs, o.BatchSize = 2, 50
	trainer, err := autoenc.NewTrainer(model, autoenc.FromPixels(images, 100), nil, o)
	if err != nil {
		log.Fatal(err)
	}
	defer trainer.Close()
	ctx := context.Background()
	if err := trainer.Run(ctx); err != nil {
		log.Fatal(err)
	}
	z, err := autoenc.Encode(ctx, model, autoenc.FromPixels(images, 100))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d steps, latents %d x %d\n", len(trainer.Losses()), len(z)/autoenc.LatentDim,
		autoenc.LatentDim)
	// Output: 4 steps, latents 100 x 50
}
