//go:build linux && cgo

package autoenc

import (
	"context"
	"fmt"
	"math"

	"latent/torch"
)

// graph trains whole epochs with steps that ask the CPU for nothing, so that a
// step can be recorded once and replayed: the step finds its rows through a
// counter, and leaves its loss, in tensors beside the model.
//
// Nothing in it needs CUDA; on the CPU the same operations run unrecorded.
type graph struct {
	t      *Trainer
	adam   stepper
	stream *torch.Stream
	steps  map[int]*torch.Graph // by batch size: the full one and the last one's

	order  *torch.Tensor // batches x batch size: an epoch's rows; behind the last, zeros
	batch  *torch.Tensor // 1: batches of the epoch done
	losses *torch.Tensor // batches: the epoch's losses
}

// stepper is what the steps need of torch.Adam.
type stepper interface {
	ZeroGrad()
	StepUnless(skip *torch.Tensor)
	SetSteps(n int)
}

func newGraph(t *Trainer, adam stepper) (*graph, error) {
	batches, size := t.loader.batches(), t.loader.batchSize
	g := &graph{t: t, adam: adam, steps: make(map[int]*torch.Graph)}
	var err error
	if g.stream, err = torch.NewStream(t.device); err != nil {
		return nil, err
	}
	err = torch.Do(func(s *torch.Scope) {
		device := t.device
		g.order = s.Keep(torch.From(s, device, make([]int64, batches*size), batches, size))
		g.batch = s.Keep(torch.From(s, device, []int64{0}, 1))
		g.losses = s.Keep(torch.From(s, device, make([]float32, batches), batches))
	})
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Close frees recordings and tensors.
func (g *graph) Close() {
	if g == nil {
		return
	}
	for _, step := range g.steps {
		step.Close()
	}
	for _, t := range []*torch.Tensor{g.order, g.batch, g.losses} {
		t.Close()
	}
	g.stream.Close()
}

// finishEpoch takes the epoch's remaining steps in this order of rows.
func (g *graph) finishEpoch(ctx context.Context, order []int64) error {
	return g.stream.Do(func() error {
		if err := g.load(order); err != nil {
			return fmt.Errorf("autoenc: train: %w", err)
		}
		from, end := g.t.batch, g.t.batch
		var stepErr error
		for end < g.t.loader.batches() && ctx.Err() == nil && stepErr == nil {
			if stepErr = g.step(len(g.t.loader.batch(order, end))).Run(); stepErr == nil {
				end++
			}
		}
		// What was reached is noted, whatever ended it.
		if err := g.note(from, end); err != nil {
			return err
		}
		if stepErr != nil {
			return fmt.Errorf("autoenc: train: epoch %d: %w", g.t.epoch+1, stepErr)
		}
		if end < g.t.loader.batches() {
			return ctx.Err()
		}
		return nil
	})
}

// load puts the epoch's order and position on the device.
func (g *graph) load(order []int64) error {
	padded := make([]int64, g.t.loader.batches()*g.t.loader.batchSize)
	copy(padded, order)
	return torch.Do(func(*torch.Scope) {
		torch.CopyFrom(g.order, padded)
		torch.CopyFrom(g.batch, []int64{int64(g.t.batch)})
	})
}

// step is Trainer.step for batches of n rows.
func (g *graph) step(n int) *torch.Graph {
	if g.steps[n] == nil {
		t := g.t
		g.steps[n] = torch.NewGraph(g.stream, t.options.Warn, func(s *torch.Scope) {
			x := t.data.gather(torch.RowAt(s, g.order, g.batch, n))
			xhat := t.Model.Decode(t.Model.Encode(x))
			loss := torch.MSELoss(xhat, x)
			g.adam.ZeroGrad()
			loss.Backward()
			torch.NoteNotFinite(t.notFinite, loss) // once so, no later step changes the weights
			g.adam.StepUnless(t.notFinite)
			torch.Note(g.losses, g.batch, loss)
		})
	}
	return g.steps[n]
}

// note copies the losses of the epoch's batches from..end-1 off the device and
// records them.
func (g *graph) note(from, end int) error {
	t := g.t
	losses := make([]float32, t.loader.batches())
	if err := torch.Do(func(*torch.Scope) { torch.CopyTo(losses, g.losses) }); err != nil {
		return fmt.Errorf("autoenc: train: %w", err)
	}
	first := t.epoch*t.loader.batches() + 1
	g.adam.SetSteps(first - 1 + end)
	for i, v := range losses[from:end] {
		loss := Loss{Step: first + from + i, Epoch: t.epoch + 1, Loss: v, Reconstruction: v}
		if err := checkFinite(v); err != nil {
			g.adam.SetSteps(loss.Step - 1)
			return fmt.Errorf("autoenc: train: step %d (epoch %d): %w", loss.Step, loss.Epoch, err)
		}
		t.record(loss)
	}
	return nil
}

// checkFinite is the error of a loss that is not finite.
func checkFinite(loss float32) error {
	if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
		return &torch.Error{Op: "loss", Message: fmt.Sprintf(
			"the loss is %v: lower the learning rate, or look for NaN in the data", v)}
	}
	return nil
}
