//go:build linux && cgo

package autoenc

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/internal/datasettest"
	"latent/torch"
)

// Plain steps give the fused ones' losses: of an epoch of MNIST the first ten
// within 1e-5, all 59 within 1e-4.
func TestPlainEpochIsTheFusedOne(t *testing.T) {
	if testing.Short() {
		t.Skip("two epochs of MNIST")
	}
	d := datasettest.Open(t, "mnist")
	var losses [2][]float64
	for i, plain := range []bool{false, true} {
		o := DefaultOptions()
		o.Epochs, o.Plain = 1, plain
		tr, err := trained(t, context.Background(), FromPixels(d.Train.Images, d.Train.N), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		losses[i] = lossesOf(tr)
	}
	first, all := worst(t, losses[1][:10], losses[0][:10]), worst(t, losses[1], losses[0])
	t.Logf("largest relative difference: %.1e of the first ten losses, %.1e of all %d", first, all,
		len(losses[0]))
	if first > 1e-5 || all > 1e-4 {
		t.Errorf("plain losses differ by %.1e in the first ten steps, by %.1e in all", first, all)
	}
}

// The plain path is another code, not the fused one by another name: gotorch's Adam
// has its own moments, the model's forward pass is its modules'.
func TestPlainStepsArePlain(t *testing.T) {
	train, o := smallRun()
	o.Epochs, o.Plain = 1, true
	tr, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tr.optimizer.(*torch.PlainAdam); !ok || tr.graph != nil {
		t.Errorf("a plain run has optimizer %T, graph %v", tr.optimizer, tr.graph)
	}
	var names [2]string
	err = torch.Do(func(s *torch.Scope) {
		x := s.Float32s(make([]float32, 784), 1, 784)
		for i, plain := range []bool{false, true} {
			tr.Model.(*AutoEncoder).SetPlain(plain)
			names[i] = tr.Model.Encode(x).GradFn()
		}
	})
	if err != nil || names[0] == names[1] || !strings.HasPrefix(names[1], "Addmm") {
		t.Errorf("Encode's last operation is %q fused and %q plain (%v)", names[0], names[1], err)
	}
}

// A plain run that is cut goes on to the bytes of an unbroken one.
func TestPlainResumeEqualsUnbroken(t *testing.T) {
	train, o := smallRun()
	o.Epochs, o.Plain = 3, true
	whole, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "checkpoint.pt")
	broken := o
	broken.Save = func(c *Checkpoint) error { return c.WriteFile(path) }
	first, err := trained(t, &countdown{Context: context.Background(), left: 9}, train, broken,
		nil)
	if err == nil {
		t.Fatal("the run was not cut")
	}
	c, err := ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := trained(t, context.Background(), train, o, c)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Concat(first.Losses(), rest.Losses()); !slices.Equal(got, whole.Losses()) {
		t.Errorf("losses %v, unbroken %v", got, whole.Losses())
	}
	if !sameParameters(parameters(t, rest.Model), parameters(t, whole.Model)) {
		t.Error("weights differ from an unbroken run's")
	}
	// A fused run goes on from it too.
	o.Plain = false
	fused, err := trained(t, context.Background(), train, o, c)
	if err != nil {
		t.Fatal(err)
	}
	if w := worst(t, lossesOf(fused), lossesOf(rest)); w > 1e-5 {
		t.Errorf("fused losses behind a plain checkpoint differ by %.1e", w)
	}
}

// What gotorch's calls would end the process over is an error.
func TestPlainErrors(t *testing.T) {
	x := make([]float32, 8*784)
	x[5*784] = float32(math.NaN())
	for _, c := range []struct {
		name   string
		train  Samples
		change func(*Options)
		want   string
	}{
		{"NaN", FromFloats(x, 8), func(*Options) {},
			"step 1 (epoch 1): torch: loss: the loss is NaN"},
		{"shape", FromFloats(x[:8*700], 8), func(*Options) {}, "linear"},
		{"bf16", FromFloats(x, 8), func(o *Options) { o.Precision = BF16 }, "plain"},
	} {
		o := DefaultOptions()
		o.Epochs, o.Plain = 1, true
		c.change(&o)
		m, err := New(784, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(m, c.train, nil, o)
		if err == nil {
			err = tr.Run(context.Background())
			tr.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.name, err, c.want)
		}
	}
}
