//go:build linux && cgo

package train

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"latent/autoenc"
	"latent/dataset"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/torch"
)

// Config is all that decides the numbers of one training run, and where it ran.
// It is a run folder's config.json; Options describes what users may set.
type Config struct {
	Dataset string `json:"dataset"` // as dataset.Names lists it; "" for own data
	Data    string `json:"data"`    // folder of the data sets
	OwnData
	Limit int   `json:"limit"` // only the first so many images of each split; 0 is all
	Seed  int64 `json:"seed"`  // what torch.manual_seed gets

	Epochs       int     `json:"epochs"`
	BatchSize    int     `json:"batch_size"`
	LearningRate float64 `json:"lr"`
	WeightDecay  float64 `json:"weight_decay"`
	Shuffle      bool    `json:"shuffle"`
	Precision    string  `json:"precision"`       // fp32, tf32 or bf16
	Plain        bool    `json:"plain,omitempty"` // steps in gotorch's own operations
	// state_dict to start from; "": PyTorch's weights
	Init string `json:"init"`

	// of the layers: 1000,25,50; "": the notebook's
	EncoderWidths string `json:"encoder_widths,omitempty"`
	DecoderWidths string `json:"decoder_widths,omitempty"`

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
		LearningRate: o.LearningRate, WeightDecay: o.WeightDecay, Shuffle: o.Shuffle,
		Precision: string(o.Precision),
		ExtraLoss: ExtraLoss{Contrastive: "none"}, Device: "auto", Threads: torch.DefaultThreads(),
	}
}

// Validate names the first value that makes no sense on any machine.
func (c Config) Validate() error {
	switch {
	case c.Input != "" && c.Dataset != "":
		return fmt.Errorf("--input and --dataset %s both name the data: leave one out", c.Dataset)
	case c.Input == "" && !slices.Contains(dataset.Names(), c.Dataset):
		return fmt.Errorf("unknown dataset %q: want %s", c.Dataset,
			strings.Join(dataset.Names(), ", "))
	case c.Limit < 0:
		return &autoenc.OptionError{Field: "Limit", Value: c.Limit,
			Want: "at least 1, or 0 for all images"}
	case c.Threads < 1:
		return &autoenc.OptionError{Field: "Threads", Value: c.Threads, Want: "at least 1"}
	}
	if err := CheckDevice(c.Device); err != nil {
		return err
	}
	if err := c.OwnData.Validate(); err != nil {
		return err
	}
	if _, err := c.widths(); err != nil {
		return err
	}
	if _, err := c.ExtraLoss.new(nil); err != nil {
		return err
	}
	return c.training().Validate()
}

// Complete fills in what follows from other options: with --input no dataset is named.
func (c *Config) Complete() {
	if c.Input != "" {
		c.Dataset = ""
	}
	c.OwnData.complete()
}

// Name is what the data set is called.
func (c Config) Name() string {
	if c.Input != "" {
		return c.OwnData.Name()
	}
	return c.Dataset
}

// Check says whether the options can be run on the data set.
func (c Config) Check(d *Data) error {
	_, err := c.ExtraLoss.new(d)
	return err
}

// Open reads the data set.
func (c Config) Open(ctx context.Context, r progress.Reporter) (*Data, error) {
	if c.Input != "" {
		return c.OwnData.open(ctx, c.Limit, c.Seed, r)
	}
	return openNamed(ctx, c.Data, c.Dataset, c.Limit, r)
}

// widths are those of the model's layers.
func (c Config) widths() (autoenc.Widths, error) {
	w := autoenc.DefaultWidths()
	for _, side := range []struct {
		flag, text string
		to         *[]int
	}{{"encoder-widths", c.EncoderWidths, &w.Encoder},
		{"decoder-widths", c.DecoderWidths, &w.Decoder}} {
		if side.text == "" {
			continue
		}
		*side.to = nil
		for _, field := range strings.Split(side.text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(field))
			if err != nil {
				return w, fmt.Errorf("--%s must be numbers with commas between them, such as "+
					"1000,25,50, got %q", side.flag, side.text)
			}
			*side.to = append(*side.to, n)
		}
	}
	return w, w.Validate()
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
// among them, with the checksum of Init's file for its name, and own, what a user's own rows
// are, for that of Input.
func (c Config) Numbers(own string) (map[string]json.RawMessage, error) {
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
	if c.Input != "" {
		c.Input = own
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
		if name != "epochs" && name != "input" {
			delete(fields, name)
		}
	}
	return fields, nil
}
