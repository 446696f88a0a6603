package notebook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"latent/autoenc"
	"latent/centroid"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/torch"
	"latent/torch/pt"
)

// The files of a run folder that this package writes itself.
const (
	modelFile      = "model.pt"
	checkpointFile = "checkpoint.pt"
)

// Result is what a folder's metrics.json says and, for contrastive models, what
// nearest centroids find by cosine.
type Result struct {
	run.Metrics
	Cosine map[string]run.Splits `json:"accuracy_cosine,omitempty"`
}

// TrainOptions say how Train goes about a Config.
type TrainOptions struct {
	Resume bool // go on from the folder's checkpoint
	// Group are the processes that train together, nil for one alone. Rank 0 keeps
	// the run folder; the others leave a Result without metrics.
	Group  *torch.GroupOptions
	Label  string
	Data   func(context.Context) (*Data, error)
	Report Reporter
}

// ErrOptions is wrapped by errors about options that do not fit the run folder.
var ErrOptions = errors.New("only --epochs (more of them), --threads, --device and --data may change")

// mayChange lists the config's fields that a resumed run may have otherwise.
var mayChange = []string{"epochs", "threads", "device", "data", "latent", "go", "libtorch"}

// Train trains one model into the run folder dir (cells 2 to 4, or 9) and leaves
// the trained model, its losses and its metrics there. A new run refuses a folder
// that holds one; a resumed one ends with the bytes of an unbroken one, as long
// as threads, device and libtorch are the same.
//
// When ctx ends, what is reached is saved and the error wraps ctx's.
func Train(ctx context.Context, dir string, c Config, o TrainOptions) (Result, error) {
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

// claim locks a run folder for a new run or for one that goes on.
func claim(dir string, resume bool) (*run.Folder, error) {
	if resume {
		return run.Open(dir)
	}
	if err := vacant(dir); err != nil { // before a folder is made or locked
		return nil, err
	}
	folder, err := run.Create(dir)
	if err != nil {
		return nil, err
	}
	if err := vacant(dir); err != nil {
		folder.Close()
		return nil, err
	}
	return folder, nil
}

// vacant says why a new run cannot begin in dir.
func vacant(dir string) error {
	for _, name := range []string{run.ConfigFile, checkpointFile, modelFile, run.LossesFile, run.MetricsFile} {
		_, err := os.Lstat(filepath.Join(dir, name))
		if err == nil {
			return fmt.Errorf("%s holds a run already (%s): go on with --resume, or choose another folder", dir, name)
		}
	}
	return nil
}

// continues reads the checkpoint that a resumed run goes on from, nil where the
// run ended before its first, and checks that the config is still the run's.
func (c *Config) continues(dir string, o TrainOptions) (*autoenc.Checkpoint, error) {
	if !o.Resume {
		return nil, nil
	}
	saved, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	if err := run.Compare(saved, *c, mayChange...); err != nil {
		return nil, fmt.Errorf("resume %s: %w; %w", dir, err, ErrOptions)
	}
	path := filepath.Join(dir, checkpointFile)
	checkpoint, err := autoenc.ReadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := run.Compare(saved, *c, "epochs", "data", "latent", "go"); err != nil {
		o.Report.Printf("note: %v; the losses go on, but not with the bytes of an unbroken run", err)
	}
	return checkpoint, nil
}

// ReadConfig reads the config of a run folder.
func ReadConfig(dir string) (Config, error) {
	var c Config
	if err := run.ReadConfig(dir, &c); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", filepath.Join(dir, run.ConfigFile), err)
	}
	return c, nil
}

// job is one training run at work.
type job struct {
	Config
	group   *torch.Group // nil for a process alone
	folder  *run.Folder  // nil where another process leads
	data    *Data
	report  Reporter
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
		if err := initialise(model, j.Init); err != nil {
			return err
		}
	}
	if err := model.To(j.Device); err != nil {
		return err
	}
	options := j.options()
	options.Extra, options.Group, options.Seed = extra, j.group, j.Seed
	if j.leads() {
		options.Progress, options.Save = j.step, j.save
	}
	j.trainer, err = autoenc.NewTrainer(model, samples(j.data.Train), j.data.Train.Labels, options)
	if err != nil {
		return err
	}
	at := 0
	if checkpoint != nil {
		at = checkpoint.Step
		if err = j.trainer.Restore(checkpoint); err != nil {
			err = fmt.Errorf("%s: %w; choose another folder, or put back the run's own file", j.folder.Path(checkpointFile), err)
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

// initialise loads a state_dict that Python or this program wrote.
func initialise(model *autoenc.AutoEncoder, path string) error {
	v, err := pt.ReadFile(path)
	if err != nil {
		return err
	}
	d, ok := v.(pt.Dict)
	if !ok {
		return fmt.Errorf("%s: holds %T, not a state_dict", path, v)
	}
	if err := model.LoadStateDict(d); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
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
	j.report.Update(progress.Status{Label: j.label, Note: fmt.Sprintf("epoch %d/%d", p.Epoch, p.Epochs),
		Unit: "steps", Done: p.Step, Total: p.Steps, Tail: fmt.Sprintf("loss %e", p.Loss.Loss)})
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
	if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) { // such as a checkpoint that cannot be written
		return err
	}
	if err == nil {
		return j.trainer.Model.Save(j.folder.Path(modelFile))
	}
	rows := j.losses.Rows()
	if len(rows) == 0 {
		return fmt.Errorf("interrupted before the first step: %w", err)
	}
	saveErr := j.trainer.Model.Save(j.folder.Path(modelFile))
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

// finish draws the loss curve, measures the model and writes its metrics.
func (j *job) finish(ctx context.Context, began time.Time) (Result, error) {
	if err := writeLossFigure(j.folder, j.losses.Rows()); err != nil {
		return Result{}, err
	}
	model := j.trainer.Model
	mse, err := MSE(ctx, model, j.data)
	if err != nil {
		return Result{}, err
	}
	latents, err := Latents(ctx, j.Space(), model, j.data)
	if err != nil {
		return Result{}, err
	}
	var result Result
	accuracy, err := j.accuracy(latents, centroid.Euclidean)
	if err == nil && j.Contrastive != "none" {
		result.Cosine, err = j.accuracy(latents, centroid.Cosine)
	}
	if err != nil {
		return Result{}, err
	}
	err = j.folder.UpdateMetrics(func(m *run.Metrics) {
		*m = run.Metrics{Dataset: j.Dataset, Epochs: j.Epochs, Seed: &j.Seed, Device: j.Device, Libtorch: j.Libtorch,
			Accuracy: accuracy, MSE: map[string]run.Splits{j.Space(): mse},
			Seconds: map[string]float64{j.Space(): j.seconds, "total": time.Since(began).Seconds()}}
		result.Metrics = *m
	})
	return result, err
}

// accuracy classifies the original and the latent space.
func (j *job) accuracy(latents Space, m centroid.Metric) (map[string]run.Splits, error) {
	pixels, err := j.data.Original(m)
	if err != nil {
		return nil, err
	}
	latent, err := NearestCentroid(latents, j.data, m)
	return map[string]run.Splits{"original": pixels.Accuracy, latents.Name: latent.Accuracy}, err
}
