//go:build linux && cgo

// PyTorch's variational autoencoder, github.com/pytorch/examples/blob/main/vae/main.py
// (arXiv 1312.6114): 784 pixels, 20 latent variables, Adam.
//
//	go run ./examples/vae                10 epochs; a test loss of about 105.5, PyTorch's too
//
// For a given seed the weights, the order of the images, the noise and the losses are
// PyTorch's on the CPU, to rounding. It fetches MNIST into data and writes sample.png,
// 64 digits that nobody wrote, and vae.pt.
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"

	"latent/dataset"
	"latent/torch"
)

// VAE has PyTorch's attributes as fields; Forward returns three tensors, so that it is
// no torch.Module, which Parameters and Save do not ask for.
type VAE struct {
	Fc1, Fc21, Fc22, Fc3, Fc4 torch.Module
}

func newVAE() *VAE {
	return &VAE{
		Fc1:  torch.Linear(784, 400),
		Fc21: torch.Linear(400, 20),
		Fc22: torch.Linear(400, 20),
		Fc3:  torch.Linear(20, 400),
		Fc4:  torch.Linear(400, 784),
	}
}

// Encode returns mean and logarithm of the variance of the latents, n x 20 each.
func (m *VAE) Encode(x *torch.Tensor) (mean, logVariance *torch.Tensor) {
	h := m.Fc1.Forward(x).ReLU()
	return m.Fc21.Forward(h), m.Fc22.Forward(h)
}

// Decode maps n x 20 latents to n x 784 pixels.
func (m *VAE) Decode(z *torch.Tensor) *torch.Tensor {
	return m.Fc4.Forward(m.Fc3.Forward(z).ReLU()).Sigmoid()
}

func (m *VAE) Forward(x *torch.Tensor) (reconstruction, mean, logVariance *torch.Tensor) {
	mean, logVariance = m.Encode(x)
	deviation := logVariance.MulScalar(0.5).Exp()
	z := mean.Add(deviation.RandnLike().Mul(deviation))
	return m.Decode(z), mean, logVariance
}

// lossOf is the reconstruction's cross entropy and the divergence of the latents from a
// standard normal distribution, both summed over the batch.
func lossOf(reconstruction, x, mean, logVariance *torch.Tensor) *torch.Tensor {
	entropy := torch.BCELoss(reconstruction, x, torch.ReduceSum)
	divergence := logVariance.AddScalar(1).Sub(mean.PowScalar(2)).Sub(logVariance.Exp())
	return entropy.Add(divergence.Sum().MulScalar(-0.5))
}

func main() {
	epochs := flag.Int("epochs", 10, "passes over the training images")
	seed := flag.Int64("seed", 1, "of the weights, the order of the images and the noise")
	data := flag.String("data", "data", "folder of the data sets")
	flag.Parse()
	log.SetFlags(0)

	must(dataset.Fetch(context.Background(), *data, "mnist", dataset.DefaultFetchOptions()))
	mnist := must(dataset.Open(*data, "mnist"))
	check(torch.ManualSeed(*seed))
	var model *VAE
	check(torch.Do(func(*torch.Scope) { model = newVAE() }))
	optimizer := must(torch.NewAdam(torch.Parameters(model), 1e-3, 0))
	defer optimizer.Close()
	for epoch := range *epochs {
		sum := 0.0
		check(pass(model, optimizer, mnist.Train, func(_ int, loss float64) { sum += loss }))
		fmt.Printf("====> Epoch: %d Average loss: %.4f\n", epoch+1, sum/float64(mnist.Train.N))
		sum = 0
		check(pass(model, nil, mnist.Test, func(_ int, loss float64) { sum += loss }))
		fmt.Printf("====> Test set loss: %.4f\n", sum/float64(mnist.Test.N))
	}
	check(torch.NoGrad(func(s *torch.Scope) { draw("sample.png", model.Decode(s.Randn(64, 20))) }))
	check(torch.Save(model, "vae.pt"))
}

// pass goes through all images once, in batches of 128, in a new order if there is an
// optimizer, and tells done the loss of each batch. In Go's order too a DataLoader draws
// a seed of its own, then its sampler one.
func pass(model *VAE, optimizer *torch.Adam, d *dataset.Split, done func(int, float64)) error {
	const size = 128
	order := make([]int64, d.N)
	for i := range order {
		order[i] = int64(i)
	}
	_, err := torch.RandomInt64()
	if optimizer != nil && err == nil {
		var seed int64
		if seed, err = torch.RandomInt64(); err == nil {
			order, err = torch.RandPermSeeded(d.N, seed)
		}
	}
	for step := 0; step*size < d.N && err == nil; step++ {
		err = torch.Do(func(s *torch.Scope) {
			var pixels []byte
			for _, row := range order[step*size : min((step+1)*size, d.N)] {
				pixels = append(pixels, d.Images[row*784:(row+1)*784]...)
			}
			x := torch.From(s, "cpu", pixels, len(pixels)/784, 784).DivScalar(255)
			reconstruction, mean, logVariance := model.Forward(x)
			loss := lossOf(reconstruction, x, mean, logVariance)
			if optimizer != nil {
				optimizer.ZeroGrad()
				loss.Backward()
				optimizer.Step()
			}
			done(step, loss.Item())
		})
	}
	return err
}

// draw writes 64 images of 28 x 28 pixels, 0 to 1, as a square.
func draw(path string, pixels *torch.Tensor) {
	page := image.NewGray(image.Rect(0, 0, 8*28, 8*28))
	for i, v := range pixels.Float32s() {
		n, p := i/784, i%784
		page.SetGray(n%8*28+p%28, n/8*28+p/28, color.Gray{Y: uint8(255 * v)})
	}
	f := must(os.Create(path))
	check(png.Encode(f, page))
	check(f.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T { check(err); return v }
