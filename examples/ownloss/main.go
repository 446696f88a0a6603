//go:build linux && cgo

// A loss of one's own: VICReg (arXiv 2105.04906) on an autoencoder's latents, written in
// one function and handed to autoenc.Trainer, which adds it to the reconstruction loss of
// every step. It uses no labels.
//
//	go run ./examples/ownloss              5 epochs, without and with the loss
//
// It prints how many test images the nearest centroid of the latents tells right.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"latent/autoenc"
	"latent/centroid"
	"latent/dataset"
	"latent/torch"
)

// VICReg pulls the latents of an image and of a noisy copy together, and keeps each
// latent variable's deviation above 1 and any two of them uncorrelated.
type VICReg struct {
	Noise                            float64 // standard deviation, in pixels of 0 to 1
	Invariance, Variance, Covariance float64 // weights; the paper's are 25, 25, 1
	Weight                           float64 // of the whole loss beside the reconstruction's
}

// Loss implements autoenc.ExtraLoss.
func (l VICReg) Loss(b autoenc.Batch) *torch.Tensor {
	noisy := b.Images.Add(b.Images.RandnLike().MulScalar(l.Noise))
	z, copied := b.Latent, b.Model.Encode(noisy)
	loss := z.Sub(copied).Square().Mean().MulScalar(l.Invariance)
	for _, z := range []*torch.Tensor{z, copied} {
		n, d := z.Shape()[0], z.Shape()[1]
		deviation := z.Var(true, 0).AddScalar(1e-4).Sqrt()
		loss =
			loss.Add(deviation.MulScalar(-1).AddScalar(1).ReLU().Mean().MulScalar(l.Variance / 2))
		centred := z.Sub(z.MeanKeepDim(0))
		covariance := centred.T().MatMul(centred).DivScalar(float64(n - 1))
		others := covariance.MaskedFill(z.EyeMask(d), 0).Square().Sum()
		loss = loss.Add(others.MulScalar(l.Covariance / float64(d)))
	}
	return loss.MulScalar(l.Weight)
}

func main() {
	epochs := flag.Int("epochs", 5, "passes over the training images")
	limit := flag.Int("limit", 60000, "use only the first so many training images")
	data := flag.String("data", "data", "folder of the data sets")
	flag.Parse()
	log.SetFlags(0)
	must(dataset.Fetch(context.Background(), *data, "mnist", dataset.DefaultFetchOptions()))
	mnist := must(dataset.Open(*data, "mnist"))
	n := min(*limit, mnist.Train.N)
	vicreg := VICReg{Noise: 0.2, Invariance: 25, Variance: 25, Covariance: 1, Weight: 0.01}
	for _, run := range []struct {
		name  string
		extra autoenc.ExtraLoss
	}{{"reconstruction alone", nil}, {"with VICReg", vicreg}} {
		model, _ := train(mnist.Train.Images[:n*784], n, *epochs, 1024, run.extra, true)
		z := must(autoenc.Encode(context.Background(), model,
			autoenc.FromPixels(mnist.Train.Images[:n*784], n)))
		test := must(autoenc.Encode(context.Background(), model,
			autoenc.FromPixels(mnist.Test.Images, mnist.Test.N)))
		classes := must(centroid.Fit(z, n, mnist.Train.Labels[:n], centroid.Cosine))
		predicted := must(classes.Predict(test, mnist.Test.N))
		right := 0
		for i, label := range mnist.Test.Labels {
			if predicted[i] == label {
				right++
			}
		}
		fmt.Printf("%-20s  %.2f %% of the test images by the nearest centroid\n", run.name,
			100*float64(right)/float64(mnist.Test.N))
		model.Close()
	}
}

// train returns a model and the losses of its steps.
func train(images []byte, n, epochs, batch int, extra autoenc.ExtraLoss,
	show bool) (*autoenc.AutoEncoder, []autoenc.Loss) {
	model := must(autoenc.New(784, 0))
	o := autoenc.DefaultOptions()
	o.Epochs, o.BatchSize, o.Extra = epochs, batch, extra
	o.Progress = func(p autoenc.Progress) {
		if show && p.Step%(p.Steps/p.Epochs) == 0 {
			fmt.Fprintf(os.Stderr, "epoch %d/%d  loss %.5f\n", p.Epoch, p.Epochs, p.Loss.Loss)
		}
	}
	trainer := must(autoenc.NewTrainer(model, autoenc.FromPixels(images, n), nil, o))
	defer trainer.Close()
	check(trainer.Run(context.Background()))
	return model, trainer.Losses()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T { check(err); return v }
