//go:build linux && cgo

package contrastive_test

import (
	"context"
	"fmt"

	"latent/autoenc"
	"latent/contrastive"
	"latent/torch"
)

// Training with SupCon on images of two classes, dark and bright.
func ExampleSupCon() {
	const n = 64
	images, labels := make([]float32, n*784), make([]int, n)
	for i := range n {
		labels[i] = i % 2
		for j := range 784 {
			images[i*784+j] = 0.2 + 0.6*float32(labels[i]) + 0.1*float32((i+j)%3)
		}
	}

	if err := torch.Init(1); err != nil {
		fmt.Println(err)
		return
	}
	model, err := autoenc.New(784, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	options := autoenc.DefaultOptions()
	options.Epochs, options.BatchSize = 10, 32
	options.Extra = contrastive.DefaultSupCon()
	trainer, err := autoenc.NewTrainer(model, autoenc.FromFloats(images, n), labels, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer trainer.Close()
	if err := trainer.Run(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	losses := trainer.Losses()
	fmt.Println("smaller than at first:",
		losses[len(losses)-1].Contrastive < losses[0].Contrastive)
	// Output: smaller than at first: true
}

// A loss by its name, with one option changed.
func ExampleNew() {
	o, err := contrastive.Defaults("nt-xent")
	if err != nil {
		fmt.Println(err)
		return
	}
	o.Temperature = 0
	_, err = contrastive.New("nt-xent", o)
	fmt.Println(err)
	// Output: contrastive: temperature must be above 0 and finite, got 0
}
