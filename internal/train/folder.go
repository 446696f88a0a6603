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
func Files() []string {
	return append(numberFiles(), "loss.png", "loss.svg")
}

// numberFiles are those without the figures.
func numberFiles() []string {
	return []string{run.ConfigFile, checkpointFile, modelFile, run.LossesFile, run.MetricsFile}
}

// ErrOptions is wrapped by errors about options that do not fit the run folder.
var ErrOptions = errors.New(
	"only --epochs (more of them), --threads, --device and --data may change")

// mayChange lists the config's fields that a resumed run may have otherwise.
var mayChange = []string{"epochs", "threads", "device", "data", "latent", "go", "libtorch"}

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
	for _, name := range numberFiles() {
		_, err := os.Lstat(filepath.Join(dir, name))
		if err == nil {
			return fmt.Errorf("%s already holds a run (%s): continue it with --resume or choose another folder",
				dir, name)
		}
	}
	return nil
}

// continues reads the checkpoint that a resumed run goes on from, nil where the
// run ended before its first, and checks that the config is still the run's.
func (c *Config) continues(dir string, o Options) (*autoenc.Checkpoint, error) {
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
		o.Report.Printf("note: %v; the run continues, but not to the same bytes as an uninterrupted one", err)
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
