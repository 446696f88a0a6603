//go:build linux && cgo

package contrastive

import (
	"fmt"
	"slices"

	"latent/autoenc"
	"latent/torch"
)

// NTXent is SimCLR's loss (arXiv 2002.05709, eq. 1; the notebook's general form).
// It uses no label: the positive of an image is its augmented copy, the negatives
// are all other images and copies of the batch. Over the 2n latents of n images
//
//	mean_i [ log sum_{k != i} exp(s(z_i, z_k) / tau) - s(z_i, z_copy of i) / tau ]
//
// and nothing for a batch of one image, which has no negative.
type NTXent struct{ Options }

// DefaultNTXent is cosine similarity, temperature 0.3, weight 1, chosen by
// measured runs.
func DefaultNTXent() NTXent {
	return NTXent{Options{Temperature: 0.3, Weight: 1, Similarity: Cosine, Augment: true,
		Augmentation: DefaultAugmentation()}}
}

// Validate names the first option that does not fit.
func (l NTXent) Validate() error {
	if err := l.validate(); err != nil {
		return err
	}
	if !l.Augment {
		return fmt.Errorf("contrastive: nt-xent needs augmentation: the copies are its positive " +
			"pairs")
	}
	return nil
}

// Loss augments the batch and returns the loss, nil for a batch of one.
func (l NTXent) Loss(b autoenc.Batch) *torch.Tensor {
	z := withCopies(b, l.Options)
	n := b.Latent.Shape()[0]
	if n < 2 {
		return nil
	}
	image := make([]int64, 2*n)
	for i := range image {
		image[i] = int64(i % n)
	}
	return l.of(z, torch.From(b.Scope, b.Images.Device(), image, 2*n))
}

// SupCon is the supervised contrastive loss (arXiv 2004.11362, eq. 2, L_out): all
// pairs of one class in the batch are positive. Over the rows i that have a
// positive, among the n latents, or 2n with augmented copies,
//
//	mean_i [ log sum_{k != i} exp(s(z_i, z_k) / tau)
//	         - mean_{p of i's class, p != i} s(z_i, z_p) / tau ]
//
// and nothing for a batch without a pair. Rows of unknown class, -1, are left out.
type SupCon struct{ Options }

// DefaultSupCon is euclidean similarity, temperature 1, weight 1, without
// augmentation, chosen by measured runs.
func DefaultSupCon() SupCon {
	return SupCon{Options{Temperature: 1, Weight: 1, Similarity: Euclidean,
		Augmentation: DefaultAugmentation()}}
}

// Validate names the first option that does not fit.
func (l SupCon) Validate() error { return l.validate() }

// Loss returns the loss, nil for a batch without a positive pair.
func (l SupCon) Loss(b autoenc.Batch) *torch.Tensor {
	z, copies := b.Latent, 1
	if l.Augment {
		z, copies = withCopies(b, l.Options), 2
	}
	needLabels("supcon", b)
	labels := make([]int64, 0, copies*len(b.Labels))
	var known []int64
	seen := map[int]bool{}
	for copy := range copies {
		for i, label := range b.Labels {
			if label < 0 {
				continue
			}
			known = append(known, int64(copy*len(b.Labels)+i))
			labels = append(labels, int64(label))
			seen[label] = true
		}
	}
	if len(labels) < copies*len(b.Labels) && len(seen) < len(labels) {
		z = z.Rows(torch.From(b.Scope, b.Images.Device(), known, len(known)))
	}
	if len(seen) == len(labels) { // every row is the only one of its class
		return nil
	}
	return l.of(z, torch.From(b.Scope, b.Images.Device(), labels, len(labels)))
}

// SelfLabel trains without labels, on clusters that the caller finds and writes into the labels
// that autoenc.NewTrainer got, -1 for rows that it is not sure of. Its loss is SupCon with
// augmentation on them. A batch without any cluster, as before the first are found, gets
// DefaultNTXent with SelfLabel's weight, augmentation and corruption. Temperature and
// Similarity are SupCon's.
type SelfLabel struct{ SupCon }

// Loss returns the loss, nil for a batch without a positive pair.
func (l SelfLabel) Loss(b autoenc.Batch) *torch.Tensor {
	if slices.ContainsFunc(b.Labels, func(label int) bool { return label >= 0 }) {
		return l.SupCon.Loss(b)
	}
	first := NTXent{l.Options}
	first.Temperature, first.Similarity = DefaultNTXent().Temperature, DefaultNTXent().Similarity
	return first.Loss(b)
}

// DefaultSelfLabel is DefaultSupCon with augmentation.
func DefaultSelfLabel() SelfLabel {
	l := SelfLabel{DefaultSupCon()}
	l.Augment = true
	return l
}

// Validate names the first option that does not fit.
func (l SelfLabel) Validate() error {
	if err := l.validate(); err != nil {
		return err
	}
	if !l.Augment {
		return fmt.Errorf("contrastive: self-label needs augmentation: without it clusters do " +
			"not improve")
	}
	return nil
}

// withCopies returns the batch's latents and, below them, those of its augmented copy.
func withCopies(b autoenc.Batch, o Options) *torch.Tensor {
	return torch.Cat(0, b.Latent, b.Model.Encode(o.copyOf(b.Scope, b.Images)).Float())
}

// of is the loss of the rows of z (n x d), one label each.
func (o Options) of(z, labels *torch.Tensor) *torch.Tensor {
	var loss *torch.Tensor
	if o.Similarity == Cosine {
		loss = torch.SupCon(z.Normalize(1), labels, 1/o.Temperature, false)
	} else {
		loss = torch.SupCon(z, labels, 2/o.Temperature, true)
	}
	return loss.Scale(o.Weight, 0)
}
