//go:build linux && cgo

package autoenc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
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
// is noticed there; no step after it has changed the weights. Other steps wait for the
// device once, for their losses.
//
// The model stays where it is from NewTrainer to the end of the last Run.
type Trainer struct {
	Model Model

	options   Options
	device    string // where the model is
	optimizer optimizer
	data      *source
	labels    []int
	loader    loader
	graph     *graph        // nil: every step by itself
	notFinite *torch.Tensor // 1 float32: not 0 after a loss that is not finite
	stop      bool          // a process of the group was told to stop
	addresses []uint64      // of the parameters

	position // what a checkpoint records beside model, optimiser and generator
	losses   []Loss
}

// optimizer is torch.Adam or, in a plain run, torch.PlainAdam.
type optimizer interface {
	ZeroGrad()
	Step()
	Steps() int
	State() (expAvg, expAvgSq [][]float32, err error)
	SetState(steps int, expAvg, expAvgSq [][]float32) error
	Close()
}

// position says how far a run has come.
type position struct {
	epoch int   // epochs finished
	batch int   // batches of the current epoch done
	seed  int64 // that orders the current epoch; drawn when batch > 0
}

// NewTrainer prepares a run of model over the rows of train. labels has one class per row and is
// needed by some extra losses only; it may be nil. Each step reads it anew, so that
// Options.EpochEnd may change it. Close frees the Trainer.
func NewTrainer(model Model, train Samples, labels []int, o Options) (*Trainer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if labels != nil && len(labels) != train.Len() {
		return nil, fmt.Errorf("autoenc: train: %d labels for %d rows", len(labels), train.Len())
	}
	n := train.Len()
	t := &Trainer{Model: model, options: o, labels: labels,
		loader: loader{n: n, batchSize: min(o.BatchSize, n), shuffle: o.Shuffle}}
	err := t.prepare(train)
	if err == nil {
		t.addresses, err = t.parameterAddresses()
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("autoenc: train: %w", err)
	}
	return t, nil
}

// prepare sets the model up and loads what the steps need.
func (t *Trainer) prepare(train Samples) (err error) {
	if t.device, err = deviceOf(t.Model); err != nil {
		return err
	}
	if err := t.configure(); err != nil {
		return err
	}
	if t.data, err = train.load(t.device); err != nil {
		return err
	}
	parameters, o := t.Model.Parameters(), t.options
	if o.Plain {
		adam, err := torch.NewPlainAdam(parameters, o.LearningRate, o.WeightDecay)
		if err != nil {
			return err
		}
		t.optimizer = adam
		if o.Group != nil {
			return t.join()
		}
		return nil
	}
	adam, err := torch.NewAdam(parameters, o.LearningRate, o.WeightDecay)
	if err != nil {
		return err
	}
	t.optimizer = adam
	err = torch.Do(func(s *torch.Scope) {
		t.notFinite = s.Keep(torch.From(s, t.device, []float32{0}, 1))
	})
	switch {
	case err != nil:
		return err
	case o.Group != nil:
		return t.join()
	case t.device != "cpu" && o.Extra == nil && !o.Eager:
		t.graph, err = newGraph(t, adam)
	}
	return err
}

// parameterAddresses are where the model's parameters lie.
func (t *Trainer) parameterAddresses() (list []uint64, err error) {
	err = torch.Do(func(*torch.Scope) {
		for _, p := range t.Model.Parameters() {
			list = append(list, p.Address())
		}
	})
	return list, err
}

// ready says whether the model is still where NewTrainer found it, and forgets an
// earlier loss that was not finite.
func (t *Trainer) ready() error {
	now, err := t.parameterAddresses()
	if err != nil {
		return err
	}
	if !slices.Equal(now, t.addresses) {
		return errors.New("the model was moved after NewTrainer: move it before, with To")
	}
	if t.notFinite == nil {
		return nil
	}
	return torch.Do(func(*torch.Scope) { torch.CopyFrom(t.notFinite, []float32{0}) })
}

// configure says whether the model can have its precision here, and tells it whether
// its steps are plain.
func (t *Trainer) configure() error {
	o := t.options
	if o.Precision == BF16 && !torch.FastBF16(t.device) {
		return errors.New("precision bf16 is not offered here: it needs libtorch 2.x and a CPU " +
			"with AVX512-BF16 or AMX, or CUDA; use fp32")
	}
	if o.Precision == TF32 && t.device == "cpu" {
		return errors.New("precision tf32 is CUDA's; on the CPU use fp32")
	}
	if _, ok := t.Model.(interface{ SetBF16(on bool) }); !ok && o.Precision == BF16 {
		return fmt.Errorf("precision bf16 is not offered by the model: %T has no method "+
			"SetBF16(bool); use fp32", t.Model)
	}
	if m, ok := t.Model.(interface{ SetPlain(on bool) }); ok {
		m.SetPlain(o.Plain)
	}
	return nil
}

// setPrecision makes the model and libtorch multiply so. Run sets it for its own time:
// what is measured and encoded behind it is always fp32.
func (t *Trainer) setPrecision(p Precision) error {
	if m, ok := t.Model.(interface{ SetBF16(on bool) }); ok {
		m.SetBF16(p == BF16)
	}
	return torch.SetTF32(p == TF32)
}

// Close frees the optimiser's moments and the copy of the training set.
func (t *Trainer) Close() {
	t.graph.Close()
	t.notFinite.Close()
	if t.optimizer != nil {
		t.optimizer.Close()
	}
	if t.data != nil {
		t.data.Close()
	}
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
	if err := t.ready(); err != nil {
		return fmt.Errorf("autoenc: train: %w", err)
	}
	defer t.setPrecision(FP32)
	if err := t.setPrecision(t.options.Precision); err != nil {
		return fmt.Errorf("autoenc: train: %w", err)
	}
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
		if err := t.epochEnd(); err != nil {
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

// epochEnd lets the caller measure the model in fp32.
func (t *Trainer) epochEnd() error {
	if t.options.EpochEnd == nil {
		return nil
	}
	if err := t.setPrecision(FP32); err != nil {
		return fmt.Errorf("autoenc: train: %w", err)
	}
	return errors.Join(t.options.EpochEnd(t.epoch), t.setPrecision(t.options.Precision))
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
	var notFinite error
	err := torch.Do(func(s *torch.Scope) {
		x := t.data.batch(s, index)
		z := t.Model.Encode(x)
		xhat := t.Model.Decode(z)
		reconstruction := t.mse(xhat, x)
		total := reconstruction
		extra := t.extraLoss(s, x, z, index)
		if extra != nil {
			total = reconstruction.Add(extra)
		}
		t.optimizer.ZeroGrad()
		total.Backward()
		values := t.values(s, ctx, total, reconstruction, extra)
		if t.options.Group != nil {
			t.options.Group.AverageGradients(t.Model.Parameters(), values)
		}
		adam, onDevice := t.optimizer.(*torch.Adam)
		onDevice = onDevice && t.device != "cpu"
		if onDevice {
			torch.NoteNotFinite(t.notFinite, values.Slice(0, 0, 1))
			adam.StepUnless(t.notFinite)
		}
		var read [4]float32
		torch.CopyTo(read[:], values)
		loss.Loss, loss.Reconstruction, loss.Contrastive, t.stop = read[0], read[1], read[2],
			read[3] > 0
		switch notFinite = checkFinite(loss.Loss); {
		case notFinite != nil:
		case onDevice:
			adam.SetSteps(loss.Step)
		default:
			t.optimizer.Step()
		}
	})
	return loss, errors.Join(err, notFinite)
}

// values are a step's loss, its two parts, and whether this process's ctx has ended,
// in one tensor where the model is. In a group they become means over the processes,
// as the gradients do: the shares of the rows are equal, and all stop after the same
// step.
func (t *Trainer) values(s *torch.Scope, ctx context.Context,
	total, reconstruction, extra *torch.Tensor) *torch.Tensor {
	stop := float32(0)
	if ctx.Err() != nil && t.options.Group != nil {
		stop = 1
	}
	parts := []*torch.Tensor{total.Detach().Reshape(1), reconstruction.Detach().Reshape(1)}
	if extra != nil {
		parts = append(parts, extra.Detach().Reshape(1),
			torch.From(s, t.device, []float32{stop}, 1))
	} else {
		parts = append(parts, torch.From(s, t.device, []float32{0, stop}, 2))
	}
	return torch.Cat(0, parts...)
}

// mse is the reconstruction loss, torch.nn.MSELoss.
func (t *Trainer) mse(xhat, x *torch.Tensor) *torch.Tensor {
	if t.options.Plain {
		return torch.PlainMSELoss(xhat, x)
	}
	return torch.MSELoss(xhat, x)
}

func (t *Trainer) extraLoss(s *torch.Scope, x, z *torch.Tensor, index []int64) *torch.Tensor {
	if t.options.Extra == nil {
		return nil
	}
	b := Batch{Scope: s, Model: t.Model, Images: x, Latent: z.Float()}
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
