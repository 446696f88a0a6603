//go:build linux && cgo

package contrastive

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"latent/autoenc"
	"latent/internal/datasettest"
	"latent/torch"
)

// Training on MNIST goes PyTorch's way step by step: the notebook's loss through a
// whole epoch, the others as far as four steps show.
func TestStepsArePyTorchs(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on MNIST")
	}
	d := datasettest.Open(t, "mnist")
	g := readGolden(t).Steps
	for _, c := range g.Cases {
		ctx, cancel := context.WithCancel(context.Background())
		o := autoenc.DefaultOptions()
		o.Epochs, o.Extra = 1, lossOf(c.Loss)
		o.Progress = func(p autoenc.Progress) {
			tol := 1e-5
			if p.Step > 3 {
				tol = 1e-4
			}
			if want := c.Totals[p.Step-1]; math.Abs(float64(p.Loss.Loss)-want) > tol*want {
				t.Errorf("%s, step %d: loss %.8g, PyTorch's %.8g", c.Loss, p.Step, p.Loss.Loss,
					want)
			}
			if p.Step == len(c.Totals) {
				cancel()
			}
		}
		tr, err := autoenc.NewTrainer(newModel(t, g.Seed),
			autoenc.FromPixels(d.Train.Images, d.Train.N), d.Train.Labels, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if n := len(tr.Losses()); n != len(c.Totals) {
			t.Errorf("%s: %d steps, PyTorch's %d", c.Loss, n, len(c.Totals))
		}
		tr.Close()
		cancel()
	}
}

// noise makes n images of random pixels and their classes.
func noise(n int) (images []byte, labels []int) {
	images, labels = make([]byte, n*784), make([]int, n)
	for i := range images {
		images[i] = byte(i * i >> 3)
	}
	for i := range labels {
		labels[i] = i % 10
	}
	return images, labels
}

// SelfLabel is NT-Xent until the caller finds clusters, which here are the labels after two
// epochs, then SupCon with augmentation.
func TestSelfLabelBegins(t *testing.T) {
	images, known := noise(64)
	train := func(extra autoenc.ExtraLoss, labels []int, epochs int, epochEnd func(int) error,
		init autoenc.Model) []autoenc.Loss {
		o := autoenc.DefaultOptions()
		o.Epochs, o.Extra, o.EpochEnd = epochs, extra, epochEnd
		tr, err := autoenc.NewTrainer(init, autoenc.FromPixels(images, len(known)), labels, o)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return tr.Losses()
	}
	labels := slices.Repeat([]int{-1}, len(known))
	got := train(DefaultSelfLabel(), labels, 3, func(epoch int) error {
		if epoch == 2 {
			copy(labels, known)
		}
		return nil
	}, newModel(t, 0))

	either := &either{NTXent: DefaultNTXent(), SupCon: DefaultSelfLabel().SupCon}
	want := train(either, known, 3, func(int) error { either.steps++; return nil }, newModel(t, 0))
	if !slices.Equal(got, want) {
		t.Errorf("losses %v, want two epochs of NT-Xent and one of SupCon: %v", got, want)
	}
}

// either is NT-Xent for two steps, then SupCon.
type either struct {
	NTXent
	SupCon
	steps int
}

func (e *either) Loss(b autoenc.Batch) *torch.Tensor {
	if e.steps < 2 {
		return e.NTXent.Loss(b)
	}
	return e.SupCon.Loss(b)
}

func TestMemoryIsFlat(t *testing.T) {
	rounds := 60
	if os.Getenv("LATENT_LONG") != "" {
		rounds = 2000
	}
	images, labels := noise(64)
	for _, name := range []string{"notebook", "nt-xent", "supcon"} {
		o := autoenc.DefaultOptions()
		o.Epochs, o.Extra = rounds, lossOf(name)
		early := 0
		o.Progress = func(p autoenc.Progress) {
			if p.Epoch == rounds/2 {
				early = rss(t)
			}
		}
		tr, err := autoenc.NewTrainer(newModel(t, 0), autoenc.FromPixels(images, len(labels)),
			labels, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(context.Background()); err != nil {
			t.Error(err)
		}
		tr.Close()
		if late := rss(t); early == 0 || late > early+10<<20 {
			t.Errorf("%s: resident size grew from %d to %d MiB in %d steps", name, early>>20,
				late>>20, rounds)
		}
	}
}

// rss is the resident size of this process in bytes.
func rss(t testing.TB) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// A loss that cannot be computed ends the run with an error, not the process.
func TestErrorsReachTheTrainer(t *testing.T) {
	images, labels := noise(20)
	for _, c := range []struct {
		loss   string
		pixels int
		labels []int
		want   string
	}{
		{"nt-xent", 28, labels, "step 1 (epoch 1): torch: reshape"}, // images that are not square
		{"supcon", 784, nil, "step 1 (epoch 1): torch: supcon: this loss needs labels"},
		{"notebook", 784, nil, "step 1 (epoch 1): torch: notebook: this loss needs labels"},
	} {
		o := autoenc.DefaultOptions()
		o.Epochs, o.Extra = 1, lossOf(c.loss)
		m, err := autoenc.New(c.pixels, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := autoenc.NewTrainer(m, autoenc.FromPixels(images[:20*c.pixels], 20), c.labels, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(context.Background()); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.loss, err, c.want)
		}
		tr.Close()
	}
}

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}

// A step of each loss on batches of 1024, in turn with a step without one: what
// the loss adds to the time of training, in per cent of processor time.
func BenchmarkStep(b *testing.B) {
	images, labels := noise(1024)
	seconds := func(tr *autoenc.Trainer, o autoenc.Options) float64 {
		before := cpu()
		if err := tr.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
		return (cpu() - before) / float64(o.Epochs)
	}
	for _, name := range []string{"notebook", "supcon", "supcon augmented", "nt-xent"} {
		b.Run("loss="+strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			if err := torch.Init(1); err != nil {
				b.Fatal(err)
			}
			defer torch.Init(torch.DefaultThreads())
			plain := autoenc.DefaultOptions()
			plain.Epochs = 5
			with := plain
			with.Extra = lossOf(name)
			run := func(o autoenc.Options) float64 {
				tr, err := autoenc.NewTrainer(newModel(b, 0),
					autoenc.FromPixels(images, len(labels)), labels, o)
				if err != nil {
					b.Fatal(err)
				}
				defer tr.Close()
				return seconds(tr, o)
			}
			run(with)
			var without, extra float64
			for b.Loop() {
				without += run(plain)
				extra += run(with)
			}
			b.ReportMetric(1e3*without/float64(b.N), "cpu-ms/plain-step")
			b.ReportMetric(1e3*extra/float64(b.N), "cpu-ms/step")
			b.ReportMetric(100*(extra/without-1), "%-added")
		})
	}
}
