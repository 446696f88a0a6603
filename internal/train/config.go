//go:build linux && cgo

package train

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"latent/autoenc"
	"latent/dataset"
	"latent/internal/run"
	"latent/torch"
)

// Config is all that decides the numbers of one training run, and where it ran.
// It is a run folder's config.json; Options describes what users may set.
type Config struct {
	Dataset string `json:"dataset"` // as dataset.Names lists it
	Data    string `json:"data"`    // folder of the data sets
	Limit   int    `json:"limit"`   // only the first so many images of each split; 0 is all
	Seed    int64  `json:"seed"`    // what torch.manual_seed gets

	Epochs       int     `json:"epochs"`
	BatchSize    int     `json:"batch_size"`
	LearningRate float64 `json:"lr"`
	WeightDecay  float64 `json:"weight_decay"`
	Shuffle      bool    `json:"shuffle"`
	Precision    string  `json:"precision"`       // fp32, tf32 or bf16
	Plain        bool    `json:"plain,omitempty"` // steps in gotorch's own operations
	Init         string  `json:"init"`            // state_dict to start from; "": PyTorch's weights

	ExtraLoss

	Device  string `json:"device"` // as torch.Device gives it
	Threads int    `json:"threads"`

	Processes int `json:"processes,omitempty"` // of the group that trains; 0: one alone

	Latent   string `json:"latent"` // versions
	Go       string `json:"go"`
	Libtorch string `json:"libtorch"`
}

// DefaultConfig holds the notebook's values for MNIST, on all cores.
func DefaultConfig() Config {
	o := autoenc.DefaultOptions()
	return Config{
		Dataset: "mnist", Data: "data", Epochs: o.Epochs, BatchSize: o.BatchSize,
		LearningRate: o.LearningRate, WeightDecay: o.WeightDecay, Shuffle: o.Shuffle, Precision: string(o.Precision),
		ExtraLoss: ExtraLoss{Contrastive: "none"}, Device: "auto", Threads: torch.DefaultThreads(),
	}
}

// Validate names the first value that makes no sense on any machine.
func (c Config) Validate() error {
	switch {
	case !slices.Contains(dataset.Names(), c.Dataset):
		return fmt.Errorf("unknown dataset %q: want %s", c.Dataset, strings.Join(dataset.Names(), ", "))
	case c.Limit < 0:
		return &autoenc.OptionError{Field: "Limit", Value: c.Limit,
			Want: "at least 1, or 0 for all images"}
	case c.Threads < 1:
		return &autoenc.OptionError{Field: "Threads", Value: c.Threads, Want: "at least 1"}
	}
	if err := CheckDevice(c.Device); err != nil {
		return err
	}
	if _, err := c.ExtraLoss.new(); err != nil {
		return err
	}
	return c.training().Validate()
}

// training are the training loop's part of the config.
func (c Config) training() autoenc.Options {
	o := autoenc.DefaultOptions()
	o.Epochs, o.BatchSize = c.Epochs, c.BatchSize
	o.LearningRate, o.WeightDecay = c.LearningRate, c.WeightDecay
	o.Shuffle, o.Precision = c.Shuffle, autoenc.Precision(c.Precision)
	o.Plain = c.Plain
	return o
}

// start sets libtorch up as the config says, for a process of group where there is
// one, and fills in what it finds: the device behind "auto", the versions, the size of
// the group. It returns this process's own device.
func (c *Config) start(group *torch.GroupOptions) (device string, err error) {
	c.Processes = 0
	if group != nil {
		c.Processes, c.Threads = group.Size, min(c.Threads, group.Threads())
	}
	if err := torch.Init(c.Threads); err != nil {
		return "", err
	}
	info, err := torch.GetInfo()
	if err != nil {
		return "", err
	}
	c.Latent, c.Go, c.Libtorch = run.ProgramVersion, runtime.Version(), info.Version
	if group == nil {
		c.Device, err = torch.Device(c.Device)
		return c.Device, err
	}
	c.Device, device, err = group.LocalDevice(c.Device)
	return device, err
}

// Space is the name under which results of the trained model are listed.
func (c Config) Space() string {
	if c.Contrastive == "none" {
		return run.Reconstruction
	}
	return run.Contrastive
}

// Numbers are the fields of config.json that the trained model depends on, Epochs
// among them, with the checksum of Init's file for its name.
func (c Config) Numbers() (map[string]json.RawMessage, error) {
	if c.Init != "" {
		b, err := os.ReadFile(c.Init)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no file %s to start from", c.Init)
		}
		if err != nil {
			return nil, err
		}
		c.Init = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, name := range mayChange {
		if name != "epochs" {
			delete(fields, name)
		}
	}
	return fields, nil
}
