package autoenc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"latent/torch"
)

// Trainer runs the notebook's training cell (problem 2, with an extra loss
// problem 4), from the start or from a checkpoint.
//
// With a Group each process takes the rows that PyTorch's
// DistributedSampler(shuffle=Options.Shuffle, seed=Options.Seed, drop_last=False)
// gives its rank, BatchSize of them a step; losses and gradients are means over
// the processes, so that all hold the same model and the same losses, those of one
// process with Size times the batch. It begins with rank 0's weights. Every process
// calls NewTrainer, Restore (with the same checkpoint, see ShareCheckpoint) and
// Run; one of them alone is given Options.Save. When the ctx of one ends, all
// stop together, a step later at most.
//
// On CUDA a step without an extra loss or a Group is recorded once as a CUDA graph
// and replayed from then on. The losses then come from the device once an epoch:
// Progress is called for an epoch's steps at its end, and a loss that is not finite
// is noticed there, when the weights are past it.
type Trainer struct {
	Model *AutoEncoder

	options   Options
	optimizer *torch.Adam
	data      *source
	labels    []int
	loader    loader
	graph     *graph // nil: every step by itself
	stop      bool   // a process of the group was told to stop

	position // what a checkpoint records beside model, optimiser and generator
	losses   []Loss
}

// position says how far a run has come.
type position struct {
	epoch int   // epochs finished
	batch int   // batches of the current epoch done
	seed  int64 // that orders the current epoch; drawn when batch > 0
}

// NewTrainer prepares a run of model over n training rows. labels has one class
// per row and is needed by some extra losses only; it may be nil. Close frees it.
func NewTrainer(model *AutoEncoder, train Samples, labels []int, o Options) (*Trainer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if labels != nil && len(labels) != train.Len() {
		return nil, fmt.Errorf("autoenc: train: %d labels for %d rows", len(labels), train.Len())
	}
	if err := model.setPrecision(o.Precision); err != nil {
		return nil, fmt.Errorf("autoenc: train: %w", err)
	}
	data, err := train.load(model.dimIn, model.device)
	if err != nil {
		return nil, fmt.Errorf("autoenc: train: %w", err)
	}
	optimizer, err := torch.NewAdam(model.Parameters(), o.LearningRate, o.WeightDecay)
	if err != nil {
		data.Close()
		return nil, fmt.Errorf("autoenc: train: %w", err)
	}
	t := &Trainer{Model: model, options: o, optimizer: optimizer, data: data, labels: labels,
		loader: loader{n: train.Len(), batchSize: min(o.BatchSize, train.Len()), shuffle: o.Shuffle}}
	switch {
	case o.Group != nil:
		err = t.join()
	case model.device != "cpu" && o.Extra == nil && !o.Eager:
		t.graph, err = newGraph(t)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("autoenc: train: %w", err)
	}
	return t, nil
}

// Close frees the optimiser's moments and the copy of the training set.
func (t *Trainer) Close() {
	t.graph.Close()
	t.optimizer.Close()
	t.data.Close()
}

// Losses are those of the steps that this Trainer ran, in order.
func (t *Trainer) Losses() []Loss { return t.losses }

// Steps is the number of steps of the whole run.
func (t *Trainer) Steps() int { return t.options.Epochs * t.loader.batches() }

// Run trains until Options.Epochs are done. When ctx ends it stops after the
// step in progress, saves a checkpoint and returns ctx's error; a loss that is
// not finite ends it with the weights of the step before.
func (t *Trainer) Run(ctx context.Context) error {
	runtime.LockOSThread() // one set of libtorch's per-thread buffers for the whole run
	defer runtime.UnlockOSThread()
	saved := time.Now()
	for t.epoch < t.options.Epochs {
		if err := t.runEpoch(ctx); err != nil {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				if saveErr := t.save(); saveErr != nil {
					return saveErr
				}
			}
			return err
		}
		if t.epoch == t.options.Epochs || time.Since(saved) >= t.options.SaveEvery {
			if err := t.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return nil
}

// runEpoch is the inner loop of the notebook's cell: for images in train_dataloader.
func (t *Trainer) runEpoch(ctx context.Context) error {
	if err := t.stopped(ctx); err != nil { // before anything is drawn for the epoch
		return err
	}
	if t.batch == 0 {
		seed, err := t.loader.begin(t.epoch)
		if err != nil {
			return fmt.Errorf("autoenc: train: %w", err)
		}
		t.seed = seed
	}
	order, err := t.loader.order(t.seed)
	if err != nil {
		return fmt.Errorf("autoenc: train: %w", err)
	}
	if t.graph != nil {
		if err := t.graph.finishEpoch(ctx, order); err != nil {
			return err
		}
	}
	for t.batch < t.loader.batches() {
		if err := t.stopped(ctx); err != nil {
			return err
		}
		loss, err := t.step(ctx, t.loader.batch(order, t.batch))
		if err != nil {
			return fmt.Errorf("autoenc: train: step %d (epoch %d): %w", loss.Step, loss.Epoch, err)
		}
		t.record(loss)
	}
	t.epoch, t.batch = t.epoch+1, 0
	return nil
}

// record notes the losses of the step that has been taken.
func (t *Trainer) record(loss Loss) {
	t.batch++
	t.losses = append(t.losses, loss)
	if t.options.Progress != nil {
		t.options.Progress(Progress{Loss: loss, Steps: t.Steps(), Epochs: t.options.Epochs})
	}
}

// step is the body of the loop: forward, loss, backward, Adam.
func (t *Trainer) step(ctx context.Context, index []int64) (Loss, error) {
	loss := Loss{Step: t.optimizer.Steps() + 1, Epoch: t.epoch + 1}
	err := torch.Do(func(s *torch.Scope) {
		x := t.data.batch(s, index)
		z := t.Model.Encoder.Forward(x)
		xhat := t.Model.Decoder.Forward(z)
		reconstruction := torch.MSELoss(xhat, x)
		total := reconstruction
		if extra := t.extraLoss(s, x, z, index); extra != nil {
			total = reconstruction.Add(extra)
			loss.Contrastive = float32(extra.Item())
		}
		loss.Reconstruction = float32(reconstruction.Item())
		loss.Loss = float32(total.Item())
		t.optimizer.ZeroGrad()
		total.Backward()
		if t.options.Group != nil {
			t.average(ctx, &loss)
		}
		checkFinite(loss.Loss)
		t.optimizer.Step()
	})
	return loss, err
}

// checkFinite panics, as operations on tensors do, over a loss that is not finite.
func checkFinite(loss float32) {
	if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
		panic(&torch.Error{Op: "loss", Message: fmt.Sprintf("the loss is %v: lower the learning rate, or look for NaN in the data", v)})
	}
}

func (t *Trainer) extraLoss(s *torch.Scope, x, z *torch.Tensor, index []int64) *torch.Tensor {
	if t.options.Extra == nil {
		return nil
	}
	b := Batch{Scope: s, Model: t.Model, Images: x, Latent: z}
	if t.labels != nil {
		b.Labels = make([]int, len(index))
		for i, row := range index {
			b.Labels[i] = t.labels[row]
		}
	}
	return t.options.Extra.Loss(b)
}

func (t *Trainer) save() error {
	if t.options.Save == nil {
		return nil
	}
	c, err := t.Checkpoint()
	if err != nil {
		return err
	}
	return t.options.Save(c)
}

func (m *AutoEncoder) setPrecision(p Precision) error {
	if p == BF16 && !torch.FastBF16(m.device) {
		return fmt.Errorf("precision bf16 is not offered here: it needs libtorch 2.x and a CPU with AVX512-BF16 or AMX, or CUDA; use fp32")
	}
	if p == TF32 && m.device == "cpu" {
		return fmt.Errorf("precision tf32 is CUDA's; on the CPU use fp32")
	}
	m.Encoder.SetBF16(p == BF16)
	m.Decoder.SetBF16(p == BF16)
	return torch.SetTF32(p == TF32)
}
