//go:build linux && cgo

package contrastive

import (
	"fmt"
	"strings"

	"latent/autoenc"
	"latent/torch"
)

// Similarity says what s(a, b) is in a loss.
type Similarity string

const (
	Cosine    Similarity = "cosine"    // of the angle: <a, b> / (|a| |b|), norms at least 1e-12
	Euclidean Similarity = "euclidean" // -|a - b|^2, for the nearest centroid by the 2-norm
)

// Options of a loss.
type Options struct {
	Temperature float64 // tau, above 0: similarities are divided by it
	Weight      float64 // of the loss beside the reconstruction loss, at least 0
	Similarity  Similarity

	// Augment adds a changed copy of every image of the batch. NT-Xent needs it:
	// the two are its positive pair. The notebook's loss has none.
	Augment      bool
	Augmentation Augmentation
	Image        Image // form of the images

	// Corruption, above 0, is for rows that are no images: their changed copy is one in
	// which this share of the features is replaced. See SCARF, arXiv 2106.15147.
	Corruption float64

	// Classes is the number of classes; 0 is the notebook's ten.
	Classes int
}

// classCount is the number of classes.
func (o Options) classCount() int {
	if o.Classes == 0 {
		return classes
	}
	return o.Classes
}

// copyOf is the changed copy of a batch.
func (o Options) copyOf(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if o.Corruption > 0 {
		return corrupt(s, x, o.Corruption)
	}
	return o.Augmentation.ApplyTo(s, x, o.Image)
}

// Names of the losses, as New takes them.
func Names() []string { return []string{"notebook", "nt-xent", "supcon", "self-label"} }

// Defaults are the options of the named loss, those of DefaultNotebook,
// DefaultNTXent, DefaultSupCon or DefaultSelfLabel.
func Defaults(name string) (Options, error) {
	switch name {
	case "notebook":
		return DefaultNotebook().Options, nil
	case "nt-xent":
		return DefaultNTXent().Options, nil
	case "supcon":
		return DefaultSupCon().Options, nil
	case "self-label":
		return DefaultSelfLabel().Options, nil
	}
	return Options{}, fmt.Errorf("contrastive: unknown loss %q: want %s", name,
		strings.Join(Names(), ", "))
}

// New makes the named loss and validates its options.
func New(name string, o Options) (autoenc.ExtraLoss, error) {
	var loss interface {
		autoenc.ExtraLoss
		Validate() error
	}
	switch name {
	case "notebook":
		loss = Notebook{o}
	case "nt-xent":
		loss = NTXent{o}
	case "supcon":
		loss = SupCon{o}
	case "self-label":
		loss = SelfLabel{SupCon{o}}
	default:
		_, err := Defaults(name)
		return nil, err
	}
	if err := loss.Validate(); err != nil {
		return nil, err
	}
	return loss, nil
}

// validate checks what all losses share. A number out of range is an
// *autoenc.OptionError.
func (o Options) validate() error {
	bad := func(field string, value float64, want string) error {
		return fmt.Errorf("contrastive: %w",
			&autoenc.OptionError{Field: field, Value: value, Want: want})
	}
	switch {
	case !(o.Temperature > 0) || o.Temperature > 1e6:
		return bad("Temperature", o.Temperature, "above 0 and finite")
	case !(o.Weight >= 0) || o.Weight > 1e6:
		return bad("Weight", o.Weight, "at least 0 and finite")
	case o.Similarity != Cosine && o.Similarity != Euclidean:
		return fmt.Errorf("contrastive: unknown similarity %q: want cosine or euclidean",
			o.Similarity)
	case !(o.Corruption >= 0 && o.Corruption <= 1):
		return bad("Corruption", o.Corruption, "from 0 to 1")
	case o.Augment:
		return o.Augmentation.Validate()
	}
	return nil
}

// Check says whether the named loss can be trained on images of these classes, with the
// notebook's ten. The notebook's and SupCon need two of them; NT-Xent and SelfLabel take any, and
// none.
func Check(name string, labels []int) error { return CheckClasses(name, labels, classes) }

// CheckClasses is Check for another number of classes. A negative label is one that is not
// known.
func CheckClasses(name string, labels []int, classes int) error {
	if name == "nt-xent" || name == "self-label" {
		return nil
	}
	if len(labels) == 0 {
		return fmt.Errorf("contrastive: %s needs labels, and there are none", name)
	}
	first, several := -1, false
	for i, label := range labels {
		switch {
		case name == "notebook" && label >= classes:
			return fmt.Errorf("contrastive: %s: label %d of image %d is not a class: want 0 to %d",
				name, label, i, classes-1)
		case label < 0:
		case first < 0:
			first = label
		default:
			several = several || label != first
		}
	}
	switch {
	case first < 0:
		return fmt.Errorf("contrastive: %s needs labels, and none is known", name)
	case !several:
		return fmt.Errorf("contrastive: %s needs images of at least two classes, and all are of "+
			"class %d", name, first)
	}
	return nil
}

// needLabels ends the step where the trainer has none.
func needLabels(loss string, b autoenc.Batch) {
	if b.Labels == nil {
		panic(&torch.Error{Op: loss,
			Message: "this loss needs labels, and the training set has none"})
	}
}
