package train

import (
	"fmt"
	"reflect"
	"strings"

	"latent/contrastive"
	"latent/dataset"
)

// Option is one option of a training run. This list is the one place that gives its
// flag, its key in config.json (the flag with _ for -), and its help.
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

// Options lists the options of c, each with a pointer to its field.
func (c *Config) Options() []Option {
	losses := append([]string{"none"}, contrastive.Names()...)
	const own = "the loss's own"
	return []Option{
		{"epochs", "Epochs", &c.Epochs, "", "total number of passes over the training images"},
		{"batch-size", "BatchSize", &c.BatchSize, "", "images per step"},
		{"lr", "LearningRate", &c.LearningRate, "", "Adam's learning rate"},
		{"weight-decay", "WeightDecay", &c.WeightDecay, "", "factor of the L2 term in the gradient"},
		{"shuffle", "Shuffle", &c.Shuffle, "",
			"shuffle the images every epoch (--shuffle=false: keep their order)"},
		{"precision", "Precision", &c.Precision, "",
			"number format of matrix products: fp32, tf32 (CUDA) or bf16"},
		{"plain", "Plain", &c.Plain, "",
			"train with gotorch's own operations, one at a time: slower, but simple to check"},
		{"init", "Init", &c.Init, "", "initial weights: the state_dict in `FILE.pt`"},
		{"seed", "Seed", &c.Seed, "", "random seed, with the meaning of torch.manual_seed"},
		{"limit", "Limit", &c.Limit, "all",
			"use only the first `N` images of each split, for a quick try"},
		{"contrastive", "Contrastive", &c.Contrastive, "",
			"contrastive loss to add: " + strings.Join(losses, ", ")},
		{"temperature", "Temperature", &c.Temperature, own, "temperature of the contrastive loss"},
		{"similarity", "Similarity", (*string)(&c.Similarity), own,
			"similarity in the contrastive loss: cosine or euclidean"},
		{"augment", "Augment", &c.Augment, own,
			"give supcon an augmented copy of each image, as nt-xent always has"},
		{"contrastive-weight", "Weight", &c.Weight, own,
			"weight of the contrastive loss beside the reconstruction loss"},
		{"data", "Data", &c.Data, "", "folder `DIR` of the datasets, in torchvision's layout"},
		{"dataset", "Dataset", &c.Dataset, "", "data set to use: " + strings.Join(dataset.Names(), ", ")},
		{"device", "Device", &c.Device, "", "device to compute on: auto, cpu, cuda or cuda:N"},
		{"threads", "Threads", &c.Threads, "all cores", "number of CPU threads"},
	}
}
