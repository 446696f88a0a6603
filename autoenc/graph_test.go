//go:build linux && cgo

package autoenc

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"latent/torch"
)

// graphRun trains with the steps of the graph path, on the CPU unrecorded.
func graphRun(t *testing.T, ctx context.Context, train Samples, o Options, device string,
	restore *Checkpoint) (*Trainer, error) {
	t.Helper()
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := To(m, device); err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(m, train, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if tr.graph == nil && !o.Eager {
		if tr.graph, err = newGraph(tr, tr.optimizer.(*torch.Adam)); err != nil {
			t.Fatal(err)
		}
	}
	if restore != nil {
		if err := tr.Restore(restore); err != nil {
			t.Fatal(err)
		}
	}
	return tr, tr.Run(ctx)
}

func smallRun() (Samples, Options) {
	o := DefaultOptions()
	o.Epochs, o.BatchSize = 6, 64
	// 5 batches, the last of 44; enough epochs for both graphs to be recorded
	return pattern(300), o
}

func TestGraphStepsAreEagerSteps(t *testing.T) {
	train, o := smallRun()
	var seen []Progress
	o.Progress = func(p Progress) { seen = append(seen, p) }
	eager, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(seen)
	seen = nil
	graph, err := graphRun(t, context.Background(), train, o, "cpu", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(graph.Losses(), eager.Losses()) {
		t.Errorf("losses differ:\n%v\n%v", graph.Losses(), eager.Losses())
	}
	if !slices.Equal(seen, want) {
		t.Errorf("progress differs:\n%v\n%v", seen, want)
	}
	if !sameParameters(parameters(t, graph.Model), parameters(t, eager.Model)) {
		t.Error("weights differ")
	}
	if graph.optimizer.Steps() != eager.optimizer.Steps() {
		t.Errorf("%d and %d steps", graph.optimizer.Steps(), eager.optimizer.Steps())
	}
}

// Cancelled in the middle of an epoch, the graph path saves what an eager run goes
// on from, and the other way round.
func TestGraphStopsAndResumes(t *testing.T) {
	train, o := smallRun()
	o.Epochs = 3
	whole, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := parameters(t, whole.Model)
	var saved *Checkpoint
	broken := o
	broken.Save = func(c *Checkpoint) error { saved = c; return nil }
	first, err := graphRun(t, &countdown{Context: context.Background(), left: 9}, train, broken,
		"cpu", nil)
	if !errors.Is(err, context.Canceled) || saved == nil || len(first.Losses()) != saved.Step {
		t.Fatalf("error %v, checkpoint %+v after %d steps", err, saved, len(first.Losses()))
	}
	if saved.Step%5 == 0 || saved.Step >= 15 {
		t.Fatalf("stopped after step %d, not within an epoch", saved.Step)
	}
	half, err := trained(t, context.Background(), train, o, saved)
	if err != nil {
		t.Fatal(err)
	}
	other, err := graphRun(t, context.Background(), train, o, "cpu", saved)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range []*Trainer{half, other} {
		if got := slices.Concat(first.Losses(), tr.Losses()); !slices.Equal(got, whole.Losses()) {
			t.Errorf("losses %v, unbroken %v", got, whole.Losses())
		}
		if !sameParameters(parameters(t, tr.Model), want) {
			t.Error("weights differ from an unbroken run's")
		}
	}
}

// countdown is cancelled when its Err has been asked for left times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestGraphReportsNaN(t *testing.T) {
	x := make([]float32, 8*784)
	x[5*784] = float32(math.NaN())
	o := DefaultOptions()
	o.Epochs, o.BatchSize, o.Shuffle = 1, 2, false
	tr, err := graphRun(t, context.Background(), FromFloats(x, 8), o, "cpu", nil)
	if err == nil ||
		!strings.HasPrefix(err.Error(),
			"autoenc: train: step 3 (epoch 1): torch: loss: the loss is NaN") ||
		len(tr.Losses()) != 2 {
		t.Errorf("error %v after %d steps", err, len(tr.Losses()))
	}
	// The weights are those of the step before, whatever came later in the epoch.
	if tr.optimizer.Steps() != 2 {
		t.Errorf("%d steps are counted, want 2", tr.optimizer.Steps())
	}
	two, err := trained(t, context.Background(), FromFloats(x[:4*784], 4), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !sameParameters(parameters(t, tr.Model), parameters(t, two.Model)) {
		t.Error("the weights are not those of the step before")
	}
}

// noStep is an optimiser that takes no steps.
type noStep struct{ *torch.Adam }

func (noStep) StepUnless(*torch.Tensor) {}

// A step that is to be recorded asks a GPU for no number and takes nothing from the
// CPU's memory. (That the fused Adam does not is a test of torch.)
func TestGraphStepReadsNothing(t *testing.T) {
	train, o := smallRun()
	o.Epochs = 1
	tr, err := graphRun(t, context.Background(), train, o, "cpu", nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGraph(tr, noStep{tr.optimizer.(*torch.Adam)})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	first := func() error { return g.step(64).Run() }
	if _, err := torch.Operators(first); err != nil { // makes the table of pixels
		t.Fatal(err)
	}
	names, err := torch.Operators(first)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		reads := slices.Contains([]string{"aten::item", "aten::_local_scalar_dense",
			"aten::is_nonzero",
			"aten::nonzero", "aten::equal", "aten::masked_select"}, name)
		// On the CPU a move to a device is a conversion that converts nothing.
		moves := name == "aten::to" && (i+1 == len(names) || names[i+1] != "aten::_to_copy")
		if reads || moves {
			t.Errorf("%s among %v", name, names)
		}
	}
	t.Logf("%d operators", len(names))
	for _, want := range []string{"aten::addmm", "aten::mse_loss", "aten::mse_loss_backward",
		"aten::index_copy_"} {
		if !slices.Contains(names, want) {
			t.Errorf("the step has no %s: %v", want, names)
		}
	}
}

// A model that was moved, there and back too, is not trained: what was recorded would
// write where it was.
func TestMovedModelIsRefused(t *testing.T) {
	train, o := smallRun()
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(m, train, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.addresses[3]++
	if err := tr.Run(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "moved after NewTrainer") {
		t.Errorf("error %v", err)
	}
}

// On a GPU: recorded and replayed, launched one by one, and on the CPU.
func TestGraphOnCUDA(t *testing.T) {
	info, err := torch.GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	if !info.CUDA {
		t.Skip("no CUDA device")
	}
	train, o := smallRun()
	cpu, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, eager := range []bool{false, true} {
		o.Eager = eager
		gpu, err := graphRun(t, context.Background(), train, o, "cuda", nil)
		if err != nil {
			t.Fatal(err)
		}
		if w := worst(t, lossesOf(gpu), lossesOf(cpu)); w > 1e-3 {
			t.Errorf("eager %v: losses differ from the CPU's by %.2g", eager, w)
		}
	}
}
