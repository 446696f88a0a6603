//go:build linux && cgo

package torch_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"latent/autoenc"
	"latent/internal/malloctest"
	"latent/torch"
)

// Ten thousand steps of the notebook's training, batches of 32: what libtorch and the shim hold,
// and what Go does, is after the last what it was after the first thousand. The resident size may
// be a weight matrix or two larger: malloc keeps a hole of 3 MiB here or there, as the allocations
// of a step fall.
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
	var first, most struct{ c, goes, rss int }
	o.Progress = func(p autoenc.Progress) {
		if p.Step%1000 != 0 {
			return
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		now := struct{ c, goes, rss int }{malloctest.Used(), int(m.HeapAlloc), torch.RSS(t)}
		t.Logf("step %d: C holds %d KiB, Go %d KiB; resident %d KiB", p.Step, now.c>>10,
			now.goes>>10, now.rss>>10)
		if p.Step == 1000 {
			first = now
		}
		most.c, most.goes, most.rss = max(most.c, now.c), max(most.goes, now.goes),
			max(most.rss, now.rss)
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
	// 29 bytes a step in C. In Go the trainer keeps the losses, 32 bytes a step in a slice that
	// grows ahead.
	if most.c > first.c+256<<10 || most.goes > first.goes+1<<20 || most.rss > first.rss+10<<20 {
		t.Errorf("from step 1000 on C grew by %d KiB, Go by %d, the resident size by %d",
			(most.c-first.c)>>10, (most.goes-first.goes)>>10, (most.rss-first.rss)>>10)
	}
}
