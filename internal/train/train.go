//go:build linux && cgo

package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"latent/autoenc"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/torch"
)

// Options say how Run goes about a Config.
type Options struct {
	Resume bool // go on from the folder's checkpoint
	// Group are the processes that train together, nil for one alone. Rank 0 keeps
	// the run folder; the others leave a Result without metrics.
	Group  *torch.GroupOptions
	Label  string
	Data   func(context.Context) (*Data, error)
	Report progress.Reporter
}

// Run trains one model into the run folder dir (cells 2 to 4, or 9) and leaves
// the trained model, its losses and its metrics there. A new run refuses a folder
// that holds one; a resumed one ends with the bytes of an unbroken one, as long
// as threads, device and libtorch are the same.
//
// When ctx ends, what is reached is saved and the error wraps ctx's.
func Run(ctx context.Context, dir string, c Config, o Options) (Result, error) {
	began := time.Now()
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	extra, err := c.ExtraLoss.new()
	if err != nil {
		return Result{}, err
	}
	j := &job{report: o.Report, label: o.Label}
	if o.Group != nil {
		// Joined first: a process that fails later ends the others at once.
		if j.group, err = c.join(*o.Group); err != nil {
			return Result{}, err
		}
		defer j.group.Close()
	}
	var checkpoint *autoenc.Checkpoint
	if j.leads() {
		if j.folder, err = claim(dir, o.Resume); err != nil {
			return Result{}, err
		}
		defer j.folder.Close()
		if err := c.start(); err != nil {
			return Result{}, err
		}
		if checkpoint, err = c.continues(dir, o); err != nil {
			return Result{}, err
		}
	}
	if j.group != nil {
		if checkpoint, err = autoenc.ShareCheckpoint(j.group, checkpoint); err != nil {
			return Result{}, err
		}
	}
	d, err := o.Data(ctx)
	if err != nil {
		return Result{}, err
	}
	j.Config, j.data = c, d
	if err := j.prepare(extra, checkpoint); err != nil {
		return Result{}, err
	}
	defer j.trainer.Close()
	if !j.leads() {
		return Result{}, j.trainer.Run(ctx)
	}
	if err := j.folder.WriteConfig(c); err != nil {
		return Result{}, err
	}
	if err := j.train(ctx); err != nil {
		return Result{}, err
	}
	return j.finish(ctx, began)
}

// join makes this process one of a group, on its share of the cores and on its
// device.
func (c *Config) join(o torch.GroupOptions) (*torch.Group, error) {
	c.Device, c.Threads = o.LocalDevice(c.Device), min(c.Threads, o.Threads())
	if err := c.start(); err != nil {
		return nil, err
	}
	o.Device = c.Device
	return torch.JoinGroup(o)
}

// job is one training run at work.
type job struct {
	Config
	group   *torch.Group // nil for a process alone
	folder  *run.Folder  // nil where another process leads
	data    *Data
	report  progress.Reporter
	label   string
	trainer *autoenc.Trainer
	losses  *run.Losses
	seconds float64 // of training in earlier processes
	err     error   // the first row that could not be noted
}

// leads says whether this process keeps the run folder.
func (j *job) leads() bool { return j.group == nil || j.group.Rank == 0 }

// prepare makes the model and its trainer, at the checkpoint if there is one.
// Nothing is written.
func (j *job) prepare(extra autoenc.ExtraLoss, checkpoint *autoenc.Checkpoint) error {
	if err := j.ExtraLoss.check(j.data.Train.Labels); err != nil {
		return err
	}
	model, err := autoenc.New(j.data.Train.Rows*j.data.Train.Cols, j.Seed)
	if err != nil {
		return err
	}
	if j.Init != "" && checkpoint == nil {
		if err := autoenc.LoadInto(model, j.Init); err != nil {
			return err
		}
	}
	if err := autoenc.To(model, j.Device); err != nil {
		return err
	}
	options := j.training()
	options.Extra, options.Group, options.Seed = extra, j.group, j.Seed
	if j.leads() {
		options.Progress, options.Save = j.step, j.save
	}
	j.trainer, err = autoenc.NewTrainer(model, Samples(j.data.Train), j.data.Train.Labels, options)
	if err != nil {
		return err
	}
	at := 0
	if checkpoint != nil {
		at = checkpoint.Step
		if err = j.trainer.Restore(checkpoint); err != nil {
			err = fmt.Errorf("%s: %w; choose another folder, or put back the run's own file",
				j.folder.Path(checkpointFile), err)
		}
	}
	if err == nil && at > j.trainer.Steps() {
		err = fmt.Errorf("resume: %d steps are done, more than %d epochs have (%d); %w",
			at, j.Epochs, j.trainer.Steps(), ErrOptions)
	}
	if err == nil && j.leads() {
		j.losses, err = j.folder.Losses(at)
		if err == nil && at > 0 {
			err = j.earlierSeconds()
		}
	}
	if err != nil {
		j.trainer.Close()
	}
	return err
}

func (j *job) earlierSeconds() error {
	m, err := run.ReadMetrics(j.folder.Dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	j.seconds = m.Seconds[j.Space()]
	return err
}

// step notes a step's losses and shows them.
func (j *job) step(p autoenc.Progress) {
	err := j.losses.Append(p.Loss)
	if err != nil && j.err == nil {
		j.err = err
	}
	j.report.Update(progress.Status{Label: j.label,
		Note: fmt.Sprintf("epoch %d/%d", p.Epoch, p.Epochs), Unit: "steps", Done: p.Step, Total: p.Steps, Tail: fmt.Sprintf("loss %e", p.Loss.Loss)})
}

// save writes the losses, then the checkpoint: whatever happens in between, the
// losses have a row for every step of the checkpoint.
func (j *job) save(c *autoenc.Checkpoint) error {
	if j.err != nil {
		return j.err
	}
	if err := j.losses.Save(); err != nil {
		return err
	}
	return c.WriteFile(j.folder.Path(checkpointFile))
}

// train runs the loop and saves the model, also when it was interrupted.
func (j *job) train(ctx context.Context) error {
	began := time.Now()
	err := j.trainer.Run(ctx)
	j.seconds += time.Since(began).Seconds()
	if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		// Such as a checkpoint that cannot be written.
		return err
	}
	if err == nil {
		return autoenc.Save(j.trainer.Model, j.folder.Path(modelFile))
	}
	rows := j.losses.Rows()
	if len(rows) == 0 {
		return fmt.Errorf("interrupted before the first step: %w", err)
	}
	saveErr := autoenc.Save(j.trainer.Model, j.folder.Path(modelFile))
	if saveErr == nil {
		// What was measured before is not this model's any more.
		saveErr = j.folder.UpdateMetrics(func(m *run.Metrics) {
			*m = run.Metrics{Seconds: map[string]float64{j.Space(): j.seconds}}
		})
	}
	if saveErr != nil {
		return saveErr
	}
	last := rows[len(rows)-1]
	return fmt.Errorf("interrupted after step %d (epoch %d of %d), saved in %s: %w",
		last.Step, last.Epoch, j.Epochs, j.folder.Dir(), err)
}
