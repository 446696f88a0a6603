//go:build linux && cgo

// PyTorch's MNIST example, github.com/pytorch/examples/blob/main/mnist/main.py: a small
// convolutional network, Adadelta, a learning rate that falls by 0.7 every epoch.
//
//	go run ./examples/mnist              14 epochs; 98.8 % of the test images after 2
//	go run ./examples/mnist -epochs 1
//
// For a given seed the weights, the dropped elements and the losses are PyTorch's on the
// CPU, to rounding. It fetches MNIST into data and writes mnist_cnn.pt, which
// torch.load(f, weights_only=True) reads.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"latent/dataset"
	"latent/torch"
)

// Net has PyTorch's attributes as fields: the state_dict says conv1.weight and fc2.bias.
type Net struct {
	Conv1, Conv2, Dropout1, Dropout2, Fc1, Fc2 torch.Module
}

func newNet() *Net {
	return &Net{
		Conv1:    torch.Conv2d(1, 32, 3, torch.Conv{}),
		Conv2:    torch.Conv2d(32, 64, 3, torch.Conv{}),
		Dropout1: torch.Dropout(0.25),
		Dropout2: torch.Dropout(0.5),
		Fc1:      torch.Linear(9216, 128),
		Fc2:      torch.Linear(128, 10),
	}
}

// Forward maps n x 1 x 28 x 28 images to the logarithms of 10 probabilities.
func (m *Net) Forward(x *torch.Tensor) *torch.Tensor {
	x = m.Conv1.Forward(x).ReLU()
	x = m.Conv2.Forward(x).ReLU()
	x = x.MaxPool2d(torch.Pool{Kernel: []int{2}})
	x = m.Dropout1.Forward(x)
	x = x.Flatten(1, -1)
	x = m.Fc1.Forward(x).ReLU()
	x = m.Dropout2.Forward(x)
	return m.Fc2.Forward(x).LogSoftmax(1)
}

func main() {
	batch := flag.Int("batch-size", 64, "images per step")
	epochs := flag.Int("epochs", 14, "passes over the training images")
	rate := flag.Float64("lr", 1.0, "learning rate")
	gamma := flag.Float64("gamma", 0.7, "factor of the learning rate after every epoch")
	seed := flag.Int64("seed", 1, "of the weights and the dropped elements")
	data := flag.String("data", "data", "folder of the data sets")
	out := flag.String("out", "mnist_cnn.pt", "the trained model")
	flag.Parse()
	log.SetFlags(0)

	must(dataset.Fetch(context.Background(), *data, "mnist", dataset.DefaultFetchOptions()))
	mnist := must(dataset.Open(*data, "mnist"))

	check(torch.ManualSeed(*seed))
	var model *Net
	check(torch.Do(func(*torch.Scope) { model = newNet() }))
	optimizer := torch.NewAdadelta(torch.Parameters(model), *rate)
	defer optimizer.Close()
	scheduler := torch.StepLR{Optimizer: optimizer, Size: 1, Gamma: *gamma}
	for epoch := range *epochs {
		check(train(model, optimizer, mnist.Train, *batch, func(step int, loss float64) {
			if step%10 == 0 {
				fmt.Printf("Train Epoch: %d [%d/%d]\tLoss: %.6f\n", epoch+1, step**batch,
					mnist.Train.N, loss)
			}
		}))
		loss, correct := must2(test(model, mnist.Test))
		fmt.Printf("\nTest set: Average loss: %.4f, Accuracy: %d/%d (%.2f %%)\n\n", loss, correct,
			mnist.Test.N,
			100*float64(correct)/float64(mnist.Test.N))
		scheduler.Step()
	}
	check(torch.Save(model, *out))
}

// train takes one epoch of steps and tells done the loss of each.
func train(model *Net, optimizer torch.Optimizer, d *dataset.Split, size int,
	done func(step int, loss float64)) error {
	torch.Train(model)
	if _, err := torch.RandomInt64(); err != nil { // the seed that a DataLoader draws
		return err
	}
	for step := range (d.N + size - 1) / size {
		err := torch.Do(func(s *torch.Scope) {
			x, target := batch(s, d, step, size)
			optimizer.ZeroGrad()
			loss := torch.NLLLoss(model.Forward(x), target)
			loss.Backward()
			optimizer.Step()
			done(step, loss.Item())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// test returns the mean loss of all images and how many of them the model tells right.
func test(model *Net, d *dataset.Split) (loss float64, correct int, err error) {
	torch.Eval(model)
	if _, err := torch.RandomInt64(); err != nil {
		return 0, 0, err
	}
	const size = 1000
	for step := range (d.N + size - 1) / size {
		err := torch.NoGrad(func(s *torch.Scope) {
			x, target := batch(s, d, step, size)
			output := model.Forward(x)
			loss += torch.NLLLoss(output, target, torch.ReduceSum).Item()
			correct += int(output.ArgMax(1, false).Eq(target).Sum().Item())
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return loss / float64(d.N), correct, nil
}

// batch is transforms.ToTensor and Normalize((0.1307,), (0.3081,)) of a step's images.
func batch(s *torch.Scope, d *dataset.Split, step, size int) (x, target *torch.Tensor) {
	from, to := step*size, min((step+1)*size, d.N)
	pixels := torch.From(s, "cpu", d.Images[from*784:to*784], to-from, 1, 28, 28)
	x = pixels.DivScalar(255).SubScalar(0.1307).DivScalar(0.3081)
	return x, torch.From(s, "cpu", d.Labels[from:to], to-from)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T { check(err); return v }

func must2[A, B any](a A, b B, err error) (A, B) { check(err); return a, b }
