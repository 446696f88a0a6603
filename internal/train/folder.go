//go:build linux && cgo

package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"latent/autoenc"
	"latent/internal/run"
)

// The files of a run folder that this package writes itself.
const (
	modelFile      = "model.pt"
	checkpointFile = "checkpoint.pt"
)

// Files are those that a finished run leaves in its folder.
func (c Config) Files() []string {
	files := append(numberFiles(), "loss.png", "loss.svg")
	if c.Input != "" {
		files = append(files, formFile)
	}
	return files
}

// numberFiles are those without the figures.
func numberFiles() []string {
	return []string{run.ConfigFile, checkpointFile, modelFile, run.LossesFile, run.MetricsFile,
		run.AccuracyFile}
}

// ErrOptions is wrapped by errors about options that do not fit the run folder.
var ErrOptions = errors.New(
	"only --epochs (more of them), --threads, --device, --data and the names of --input's files " +
		"may change")

// mayChange lists the config's fields that a resumed run may have otherwise.
// What the files of own data hold is compared by checksum: see job.form.
var mayChange = []string{"epochs", "threads", "device", "data", "latent", "go", "libtorch",
	"input", "labels", "test_input", "test_labels"}

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
	for _, name := range append(numberFiles(), formFile) {
		_, err := os.Lstat(filepath.Join(dir, name))
		if err == nil {
			return fmt.Errorf("%s already holds a run (%s): continue it with --resume or choose "+
				"another folder",
				dir, name)
		}
	}
	return nil
}

// continues reads the checkpoint that a resumed run goes on from, nil where the
// run ended before its first, and checks that the config is still the run's.
func (j *job) continues(o Options) (*autoenc.Checkpoint, error) {
	saved, err := ReadConfig(j.dir)
	if err != nil {
		return nil, err
	}
	if saved.Processes != j.Processes {
		return nil, fmt.Errorf("resume %s: it was trained by %s, and its checkpoint cannot go "+
			"on with %s: "+
			"start as many, or begin another run from its weights with --init %s: %w", j.dir,
			processes(saved.Processes), processes(j.Processes), filepath.Join(j.dir,
				modelFile), ErrOptions)
	}
	if err := run.Compare(saved, j.Config, mayChange...); err != nil {
		return nil, fmt.Errorf("resume %s: %w; %w", j.dir, err, ErrOptions)
	}
	path := filepath.Join(j.dir, checkpointFile)
	checkpoint, err := autoenc.ReadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := run.Compare(saved, j.Config, "epochs", "data", "latent", "go"); err != nil {
		o.Report.Printf("note: %v; the losses go on, but not with the bytes of an unbroken run",
			err)
	}
	return checkpoint, nil
}

// processes is a group's size in words.
func processes(n int) string {
	switch n {
	case 0:
		return "one process alone"
	case 1:
		return "a group of one process"
	}
	return fmt.Sprintf("%d processes", n)
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
