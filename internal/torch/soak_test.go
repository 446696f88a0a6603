package torch_test

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"latent/autoenc"
	"latent/internal/torch"
)

// Ten thousand steps of the notebook's training, batches of 32: the resident size stays what it was after the first thousand.
func TestSoak(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("takes minutes; set LATENT_LONG=1")
	}
	const n, batch, steps = 320, 32, 10_000
	r := rand.New(rand.NewPCG(1, 1))
	images := make([]byte, n*784)
	for i := range images {
		images[i] = byte(r.UintN(256))
	}
	m, err := autoenc.New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := autoenc.DefaultOptions()
	o.BatchSize = batch
	o.Epochs = steps * batch / n
	early, most := 0, 0
	o.Progress = func(p autoenc.Progress) {
		if p.Step%1000 != 0 {
			return
		}
		size := torch.RSS(t)
		t.Logf("step %d: %d MiB", p.Step, size>>20)
		if p.Step == 1000 {
			early = size
		}
		most = max(most, size)
	}
	train, err := autoenc.NewTrainer(m, autoenc.FromPixels(images, n), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer train.Close()
	if err := train.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := len(train.Losses()); got != steps {
		t.Errorf("%d steps, want %d", got, steps)
	}
	if most > early+8<<20 {
		t.Errorf("resident size grew from %d to %d MiB", early>>20, most>>20)
	}
}
