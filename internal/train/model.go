//go:build linux && cgo

package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"latent/autoenc"
	"latent/dataset"
	"latent/internal/progress"
)

// Model is the trained model of a run folder and the config that made it.
type Model struct {
	*autoenc.AutoEncoder
	Config Config
	Form   *Form // of a user's own rows; nil where the model was trained on a named dataset
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
	var form *Form
	width := 784
	if c.Input != "" {
		if form, err = readForm(dir); err != nil {
			return nil, err
		}
		width = form.Width()
	}
	m, err := autoenc.Load(filepath.Join(dir, modelFile), width)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (its training is not finished: latent train --out %s --resume)",
			err, dir)
	}
	if err != nil {
		return nil, err
	}
	return &Model{AutoEncoder: m, Config: c, Form: form}, autoenc.To(m, c.Device)
}

// Data opens the dataset that the model was trained on.
func (m *Model) Data(ctx context.Context, r progress.Reporter) (*Data, error) {
	d, err := m.Config.Open(ctx, r)
	if err == nil && m.Form != nil && d.Form.SHA256 != m.Form.SHA256 {
		err = fmt.Errorf("%s does not hold the rows that the model was trained on any more: "+
			"encode takes its rows with --input",
			m.Config.Input)
	}
	return d, err
}

// ReadRows reads new rows as the model takes them: those of a user's own model scaled as its
// training rows were, bytes for another as byte / 255, and other numbers as they are.
func (m *Model) ReadRows(ctx context.Context, o OwnData, r progress.Reporter) (*dataset.Split,
	error) {
	form := m.Form
	if form == nil {
		form = &Form{Rows: 28, Cols: 28, Channels: 1, Classes: dataset.Classes(m.Config.Dataset),
			Scaler: dataset.Scaler{Kind: dataset.ScaleNone}}
	}
	if o.ImageSize == "" {
		o.ImageSize = m.Config.ImageSize
	}
	return form.ReadRows(ctx, o, r)
}
