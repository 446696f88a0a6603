//go:build linux && cgo

package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"latent/autoenc"
	"latent/internal/progress"
)

// Model is the trained model of a run folder and the config that made it.
type Model struct {
	*autoenc.AutoEncoder
	Config Config
}

// Open loads the model of the run folder dir, to be used on another device
// or number of threads than it was trained with.
func Open(dir, device string, threads int) (*Model, error) {
	c, err := ReadConfig(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (train a model first: latent train --out %s)", err, dir)
	}
	if err != nil {
		return nil, err
	}
	c.Device, c.Threads = device, threads
	if c.Device, err = c.start(nil); err != nil {
		return nil, err
	}
	m, err := autoenc.Load(filepath.Join(dir, modelFile), 784)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (its training is not finished: latent train --out %s --resume)",
			err, dir)
	}
	if err != nil {
		return nil, err
	}
	return &Model{AutoEncoder: m, Config: c}, autoenc.To(m, c.Device)
}

// Data opens the dataset that the model was trained on.
func (m *Model) Data(ctx context.Context, r progress.Reporter) (*Data, error) {
	return OpenData(ctx, m.Config.Data, m.Config.Dataset, m.Config.Limit, r)
}
