// Command second is what somebody else builds on latent: a model of their own, with
// other widths and a tanh, an extra loss of their own, both trained by autoenc and
// saved as a state_dict.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"latent/autoenc"
	"latent/torch"
	"latent/torch/pt"
)

const (
	features = 64
	hidden   = 24
	code     = 3
)

// model is Linear, tanh, Linear on both sides of the code.
type model struct {
	in, narrow, widen, out *torch.Sequential
}

func newModel(seed int64) (*model, error) {
	if err := torch.ManualSeed(seed); err != nil {
		return nil, err
	}
	m := &model{}
	err := torch.Do(func(*torch.Scope) {
		m.in = torch.NewSequential(torch.Linear(features, hidden))
		m.narrow = torch.NewSequential(torch.Linear(hidden, code))
		m.widen = torch.NewSequential(torch.Linear(code, hidden))
		m.out = torch.NewSequential(torch.Linear(hidden, features))
	})
	return m, err
}

func (m *model) Encode(x *torch.Tensor) *torch.Tensor {
	return m.narrow.Forward(m.in.Forward(x).Tanh())
}

func (m *model) Decode(z *torch.Tensor) *torch.Tensor {
	return m.out.Forward(m.widen.Forward(z).Tanh())
}

func (m *model) Parameters() []torch.Parameter {
	return slices.Concat(m.in.Parameters("in."), m.narrow.Parameters("narrow."),
		m.widen.Parameters("widen."), m.out.Parameters("out."))
}

// small is an extra loss: the mean squared latent, times a weight.
type small struct{ weight float64 }

func (l small) Loss(b autoenc.Batch) *torch.Tensor {
	return b.Latent.Mul(b.Latent).Mean().Scale(l.weight, 0)
}

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	const n = 200
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*features) // two kinds of rows, with noise
	for i := range x {
		x[i] = float32(i/features%2*(i%features)%7)/7 + 0.1*r.Float32()
	}
	rows := autoenc.FromFloats(x, n)

	m, err := newModel(1)
	if err != nil {
		return err
	}
	o := autoenc.DefaultOptions()
	o.Epochs, o.BatchSize, o.LearningRate, o.Extra = 40, 50, 1e-2, small{weight: 1e-3}
	trainer, err := autoenc.NewTrainer(m, rows, nil, o)
	if err != nil {
		return err
	}
	defer trainer.Close()
	if err := trainer.Run(ctx); err != nil {
		return err
	}
	losses := trainer.Losses()
	first, last := losses[0], losses[len(losses)-1]
	fmt.Println("trained:", last.Reconstruction < first.Reconstruction/2 && last.Contrastive > 0)

	folder, err := os.MkdirTemp("", "second")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.pt")
	if err := autoenc.Save(m, path); err != nil {
		return err
	}
	v, err := pt.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Println("saved:", v.(pt.Dict).Keys())
	again, err := newModel(2)
	if err != nil {
		return err
	}
	if err := autoenc.LoadInto(again, path); err != nil {
		return err
	}
	z, err := autoenc.Encode(ctx, m, rows)
	if err != nil {
		return err
	}
	z2, err := autoenc.Encode(ctx, again, rows)
	if err != nil {
		return err
	}
	fmt.Printf("latents: %d x %d, reloaded the same: %v\n", n, len(z)/n, slices.Equal(z, z2))
	return nil
}
