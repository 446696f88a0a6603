//go:build linux && cgo

package autoenc

import (
	"fmt"
	"time"

	"latent/torch"
)

// Precision is the number format of the matrix products of training steps. Extra
// losses are computed in float32, as torch.autocast does, and outside Run everything is.
type Precision string

const (
	FP32 Precision = "fp32" // IEEE single precision, PyTorch's default
	TF32 Precision = "tf32" // CUDA only: products with a 10-bit mantissa
	BF16 Precision = "bf16" // products in bfloat16, weights and sums in float32
)

// Options of a training run; see DefaultOptions for the notebook's.
type Options struct {
	Epochs       int     // passes over the training set in all, at least 1
	BatchSize    int     // rows a step, at least 1; the last batch may be smaller
	LearningRate float64 // of Adam, above 0
	WeightDecay  float64 // L2 term added to the gradient, at least 0
	Shuffle      bool    // a new order every epoch
	Precision    Precision

	// Extra is added to the reconstruction loss of every step; nil adds nothing.
	Extra ExtraLoss

	// Group are the processes that train one model, each on its share of every
	// batch, as PyTorch's DistributedDataParallel: see Trainer. nil: this one alone.
	// Seed is then that of the DistributedSampler; without a group nobody uses it.
	Group *torch.Group
	Seed  int64

	// Plain takes every step in gotorch's own operations, one after the other: the
	// forward pass of its nn.Linear and Relu, the loss from its Sub, Mul and Mean, its
	// Adam. It is what the fused operations are held against, slower, fp32 only, and
	// the same numbers but for rounding. An Extra loss stays as it is.
	Plain bool

	// Eager launches a step's operations one by one. Otherwise a step without an
	// Extra loss or a Group is replayed as a CUDA graph on CUDA; see Trainer.
	Eager bool

	// Progress is called after every step, on the goroutine that runs Run.
	// nil is silent.
	Progress func(Progress)

	// EpochEnd is called after every epoch (counted from 1), before a checkpoint of it is
	// saved: a place to measure the model, which computes in fp32 meanwhile. It must draw
	// nothing from libtorch's default generator. An error ends the run. nil does nothing.
	EpochEnd func(epoch int) error

	// Warn is told, at most once, why steps are slower than they could be. nil is
	// silent.
	Warn func(error)

	// Save is called with a checkpoint at the end of an epoch when SaveEvery has
	// passed since the last, when the run is cancelled and when it ends. An error
	// ends the run. nil saves nothing.
	Save      func(*Checkpoint) error
	SaveEvery time.Duration // 0 saves after every epoch
}

// DefaultOptions are the notebook's: 500 epochs, batches of 1024, Adam with
// learning rate 1e-3 and weight decay 1e-8, shuffled, fp32.
func DefaultOptions() Options {
	return Options{Epochs: 500, BatchSize: 1024, LearningRate: 1e-3, WeightDecay: 1e-8,
		Shuffle: true, Precision: FP32, SaveEvery: 5 * time.Second}
}

// Validate reports the first option that is out of range, as an *OptionError.
func (o Options) Validate() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("autoenc: %w", &OptionError{Field: field, Value: value, Want: want})
	}
	switch {
	case o.Epochs < 1:
		return bad("Epochs", o.Epochs, "at least 1")
	case o.BatchSize < 1:
		return bad("BatchSize", o.BatchSize, "at least 1")
	case !(o.LearningRate > 0) || o.LearningRate > 1e6:
		return bad("LearningRate", o.LearningRate, "above 0 and finite")
	case !(o.WeightDecay >= 0) || o.WeightDecay > 1e6:
		return bad("WeightDecay", o.WeightDecay, "at least 0 and finite")
	case o.Precision != FP32 && o.Precision != TF32 && o.Precision != BF16:
		return bad("Precision", o.Precision, "fp32, tf32 or bf16")
	}
	if o.Plain && o.Precision == BF16 {
		return bad("Precision", o.Precision,
			"fp32 in a plain run: gotorch's operations do not multiply in bf16")
	}
	return nil
}

// ExtraLoss is a term beside the reconstruction loss, computed inside the
// training step: on latents, labels or the images themselves.
type ExtraLoss interface {
	// Loss returns a one-element tensor that carries gradients, or nil when this
	// batch has nothing to add. It runs after the reconstruction loss; what it
	// draws, it draws from libtorch's default generator. It runs inside torch.Do: an
	// operation that fails, or a panic with a *torch.Error, ends the step.
	Loss(b Batch) *torch.Tensor
}

// Batch is what an ExtraLoss sees of a step.
type Batch struct {
	Scope  *torch.Scope
	Model  Model
	Images *torch.Tensor // n x DimIn, 0 to 1, where the model is
	Latent *torch.Tensor // n x d, float32, with gradients
	Labels []int         // n class labels; nil when training without labels
}
