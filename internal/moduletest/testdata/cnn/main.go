// A program of another module: a convolutional network from the public API, three steps,
// saved for PyTorch. It writes model.pt, model.safetensors and io.pt, an input and the
// network's output, into the folder that it is given.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"latent/torch"
	"latent/torch/pt"
)

type block struct{ Conv, Norm torch.Module }

func (b block) Forward(x *torch.Tensor) *torch.Tensor {
	return b.Norm.Forward(b.Conv.Forward(x)).ReLU()
}

type net struct {
	Blocks []block
	Drop   torch.Module
	Head   *torch.Sequential
}

func newNet() *net {
	n := &net{Drop: torch.Dropout(0.1),
		Head: torch.NewSequential(torch.Linear(8*5*5, 16), torch.GELU(), torch.Linear(16, 4))}
	for i := range 2 {
		n.Blocks = append(n.Blocks,
			block{torch.Conv2d(1+7*i, 8, 3, torch.Conv{Padding: []int{1}}), torch.BatchNorm2d(8)})
	}
	return n
}

func (n *net) Forward(x *torch.Tensor) *torch.Tensor {
	for _, b := range n.Blocks {
		x = b.Forward(x)
	}
	x = n.Drop.Forward(x.MaxPool2d(torch.Pool{Kernel: []int{2}}))
	return n.Head.Forward(x.Flatten(1, -1))
}

func main() {
	log.SetFlags(0)
	check(torch.ManualSeed(0))
	var m *net
	check(torch.Do(func(*torch.Scope) { m = newNet() }))
	optimizer := torch.NewSGD(torch.Parameters(m), 0.02)
	optimizer.Momentum = 0.9
	defer optimizer.Close()
	var first, last float64
	for step := range 3 {
		check(torch.Do(func(s *torch.Scope) {
			x := s.Arange(0, 6*100, 1).Reshape(6, 1, 10, 10).Sin()
			y := torch.From(s, "cpu", []int64{0, 1, 2, 3, 0, 1}, 6)
			loss := torch.CrossEntropy(m.Forward(x), y)
			optimizer.ZeroGrad()
			loss.Backward()
			torch.ClipGradNorm(torch.Parameters(m), 5)
			optimizer.Step()
			if last = loss.Item(); step == 0 {
				first = last
			}
		}))
	}
	dir := os.Args[1]
	check(torch.Save(m, filepath.Join(dir, "model.pt")))
	check(torch.Save(m, filepath.Join(dir, "model.safetensors")))
	torch.Eval(m)
	check(torch.NoGrad(func(s *torch.Scope) {
		x := s.Arange(0, 2*100, 1).Reshape(2, 1, 10, 10).Cos()
		io := pt.Dict{{Key: "x", Value: x.Export()}, {Key: "y", Value: m.Forward(x).Export()}}
		check(pt.WriteFile(filepath.Join(dir, "io.pt"), io))
	}))
	// What was saved, loaded into a new network, computes the same.
	for _, name := range []string{"model.pt", "model.safetensors"} {
		var again *net
		check(torch.Do(func(*torch.Scope) { again = newNet() }))
		check(torch.Load(again, filepath.Join(dir, name)))
		torch.Eval(again)
		check(torch.NoGrad(func(s *torch.Scope) {
			x := s.Arange(0, 2*100, 1).Reshape(2, 1, 10, 10).Cos()
			if difference := m.Forward(x).Sub(again.Forward(x)).Abs().Max().Item(); difference !=
				0 {
				log.Fatalf("%s: off by %g", name, difference)
			}
		}))
	}
	fmt.Println("trained:", last < first)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
