// Package train is one run folder's life: its config, the start of a run or its
// continuation from a checkpoint, and what is measured of the trained model. Without
// libtorch only what other commands share with it is left: options, data and spaces.
package train

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"latent/dataset"
)

// Option is one option of a training run. Config.Options and PlaceOptions are the one
// place that gives its flag, its key in config.json (the flag with _ for -), and its help.
type Option struct {
	Flag    string
	Field   string // of Config, and of the Options that the value goes to
	Value   any    // points to the field: *int, *int64, *float64, *bool or *string
	Default string // what help says in place of the zero value
	Usage   string // help
}

// Name is the option in words: batch size.
func (o Option) Name() string {
	if o.Flag == "lr" {
		return "learning rate"
	}
	return strings.ReplaceAll(o.Flag, "-", " ")
}

// Text is the value as text.
func (o Option) Text() string { return fmt.Sprint(reflect.ValueOf(o.Value).Elem()) }

// Set reports whether the value says something: it is neither an empty string nor
// the zero that Default stands for.
func (o Option) Set() bool {
	return o.Text() != "" && (o.Default == "" || !reflect.ValueOf(o.Value).Elem().IsZero())
}

// PlaceOptions are the options that say where the data lie and what computes. Commands
// that train nothing have them too, also without libtorch.
func PlaceOptions(data, set, device *string, threads *int) []Option {
	return []Option{
		{"data", "Data", data, "", "folder `DIR` of the datasets, in torchvision's layout"},
		{"dataset", "Dataset", set, "", "data set to use: " + strings.Join(dataset.Names(), ", ")},
		{"device", "Device", device, "", "device to compute on: auto, cpu, cuda or cuda:N"},
		{"threads", "Threads", threads, "all cores", "number of CPU threads"},
	}
}

var devices = regexp.MustCompile(`^(auto|cpu|cuda|cuda:[0-9]{1,3})$`)

// CheckDevice says whether name may be a device on some machine.
func CheckDevice(name string) error {
	if !devices.MatchString(name) {
		return fmt.Errorf("unknown device %q: want auto, cpu, cuda or cuda:N", name)
	}
	return nil
}
