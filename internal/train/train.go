//go:build linux && cgo

package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"latent/autoenc"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/torch"
)

// Resume says whether a run begins or goes on.
type Resume int

const (
	Begin  Resume = iota // in a folder that holds no run
	GoOn                 // from the folder's checkpoint; without a run that is an error
	Either               // go on where the folder holds a run, else begin
)

// Options say how Run goes about a Config.
type Options struct {
	Resume Resume
	// Group are the processes that train together, nil for one alone. Rank 0 keeps
	// the run folder, and its config is everybody's; the others leave a Result without
	// metrics.
	Group  *torch.GroupOptions
	Label  string
	Data   func(context.Context, Config) (*Data, error)
	Report progress.Reporter
}

// Run trains one model into the run folder dir (cells 2 to 4, or 9) and leaves
// the trained model, its losses and its metrics there. configure says how, given
// the folder's own config where the run goes on, else DefaultConfig. A new run refuses
// a folder that holds one; a resumed one ends with the bytes of an unbroken one, as
// long as threads, device and libtorch are the same.
//
// When ctx ends, what is reached is saved and the error wraps ctx's.
func Run(
	ctx context.Context, dir string, configure func(Config) (Config, error), o Options,
) (result Result, err error) {
	began := time.Now()
	j := &job{report: o.Report, label: o.Label, dir: dir,
		leads: o.Group == nil || o.Group.Rank == 0}
	defer j.close()
	checkpoint, err := j.begin(configure, o)
	if err == nil {
		j.data, err = o.Data(ctx, j.Config)
	}
	if o.Group != nil && ctx.Err() == nil {
		fetched := j.Config
		err = j.join(*o.Group, err)
		if err == nil &&
			(j.Dataset != fetched.Dataset || j.Limit != fetched.Limit ||
				j.OwnData != fetched.OwnData) {
			j.data, err = o.Data(ctx, j.Config)
		}
		if err == nil {
			err = j.connect(*o.Group)
		}
		if err == nil {
			checkpoint, err = autoenc.ShareCheckpoint(j.group, checkpoint)
		}
	}
	if err != nil {
		return Result{}, err
	}
	if j.leads {
		recorder := progress.NewRecorder(o.Report, j.folder.Path(run.StatusFile), 0)
		defer func() { recorder.Close(err) }()
		j.report = recorder
	}
	if err := j.prepare(ctx, checkpoint); err != nil {
		return Result{}, err
	}
	if !j.leads {
		return Result{}, j.trainer.Run(ctx)
	}
	if err := j.folder.WriteConfig(j.Config); err != nil {
		return Result{}, err
	}
	if err := j.writeForm(); err != nil {
		return Result{}, err
	}
	if err := j.train(ctx); err != nil {
		return Result{}, err
	}
	return j.finish(ctx, began)
}

// begin settles the config and, in the process that leads, takes the run folder and
// reads the checkpoint that the run goes on from, if there is one.
func (j *job) begin(configure func(Config) (Config, error), o Options) (*autoenc.Checkpoint,
	error) {
	base, resume := DefaultConfig(), false
	if o.Resume != Begin && j.leads {
		saved, err := ReadConfig(j.dir)
		switch {
		case err == nil:
			base, resume = saved, true
		case o.Resume == GoOn && errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w (nothing to resume: leave --resume out to begin)", err)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	var err error
	if j.Config, err = configure(base); err != nil {
		return nil, err
	}
	if err := j.Config.Validate(); err != nil {
		return nil, err
	}
	if j.leads {
		if j.folder, err = claim(j.dir, resume); err != nil {
			return nil, err
		}
	}
	if j.device, err = j.Config.start(o.Group); err != nil {
		return nil, err
	}
	if !resume {
		return nil, nil
	}
	return j.continues(o)
}

// job is one training run at work.
type job struct {
	Config
	dir     string
	device  string       // this process's own; Config has that of all
	leads   bool         // this process keeps the run folder
	group   *torch.Group // nil for a process alone
	folder  *run.Folder  // nil where another process leads
	data    *Data
	report  progress.Reporter
	label   string
	trainer *autoenc.Trainer // nil until prepare
	losses  *run.Losses
	epochs  []run.EpochAccuracy
	classes []int   // of the training rows, for the loss: their labels, or a self-label run's own
	seconds float64 // of training in earlier processes
	err     error   // the first row that could not be noted
}

// close frees what the job holds.
func (j *job) close() {
	if j.trainer != nil {
		j.trainer.Close()
	}
	j.group.Close()
	if j.folder != nil {
		j.folder.Close()
	}
}

// prepare makes the model and its trainer, at the checkpoint if there is one.
// Nothing is written.
func (j *job) prepare(ctx context.Context, checkpoint *autoenc.Checkpoint) error {
	extra, err := j.ExtraLoss.new(j.data)
	if err != nil {
		return err
	}
	widths, err := j.widths()
	if err != nil {
		return err
	}
	if j.leads {
		if err := j.checkForm(); err != nil {
			return err
		}
		j.notes()
	}
	model, err := autoenc.NewWithWidths(j.data.Train.Width(), widths, j.Seed)
	if err != nil {
		return err
	}
	if j.Init != "" && checkpoint == nil && j.leads { // the others get its weights
		if err := autoenc.LoadInto(model, j.Init); err != nil {
			return err
		}
	}
	if err := autoenc.To(model, j.device); err != nil {
		return err
	}
	options := j.training()
	options.Extra, options.Group, options.Seed = extra, j.group, j.Seed
	if j.leads {
		options.Progress, options.Save = j.step, j.save
		options.EpochEnd = func(epoch int) error { return j.epochEnd(ctx, epoch) }
		options.Warn = func(err error) { j.report.Printf("note: %v", err) }
	}
	if j.classes, err = j.firstClasses(); err != nil {
		return err
	}
	j.trainer, err = autoenc.NewTrainer(model, Samples(j.data.Train), j.classes, options)
	if err != nil {
		return err
	}
	at := 0
	if checkpoint != nil {
		at = checkpoint.Step
		if err = j.trainer.Restore(checkpoint); err != nil {
			err = fmt.Errorf("%s: %w; choose another folder, or put back the run's own file",
				filepath.Join(j.dir, checkpointFile), err)
		}
	}
	if err == nil && at > j.trainer.Steps() {
		err = fmt.Errorf("resume: %d steps are done, more than %d epochs have (%d); %w",
			at, j.Epochs, j.trainer.Steps(), ErrOptions)
	}
	if err == nil {
		err = j.resumeClasses(ctx, at)
	}
	if err == nil && j.leads {
		j.losses, err = j.folder.Losses(at)
		if err == nil && at > 0 {
			err = j.earlierAccuracies(at)
		}
		if err == nil && at > 0 {
			err = j.earlierSeconds()
		}
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
		Note: fmt.Sprintf("epoch %d/%d", p.Epoch,
			p.Epochs), Unit: "steps", Done: p.Step, Total: p.Steps, Tail: fmt.Sprintf("loss %e",
			p.Loss.Loss)})
}

// save writes the losses and accuracies, then the checkpoint: whatever happens in between,
// they have a row for every step and measured epoch of the checkpoint. A preview is for those who
// watch.
func (j *job) save(c *autoenc.Checkpoint) error {
	if j.err != nil {
		return j.err
	}
	if err := j.losses.Save(); err != nil {
		return err
	}
	if err := j.folder.WriteAccuracy(j.epochs); err != nil {
		return err
	}
	if err := c.WriteFile(j.folder.Path(checkpointFile)); err != nil {
		return err
	}
	return j.preview()
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
