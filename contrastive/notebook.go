//go:build linux && cgo

package contrastive

import (
	"fmt"

	"latent/autoenc"
	"latent/torch"
)

// classes of the notebook's data sets, from which it draws a pair.
const classes = 10

// Notebook is the notebook's loss (cells 8 and 9), the negative-only form on pairs
// of two classes. Per batch it draws two classes, the first two of
// torch.randperm(10), or of as many classes as there are; with a, b the batch's latents of the one
// and of the other, cut to the shorter of the two, it is
//
//	mean_i log(1 + exp(cos(a_i, b_i) / tau))
//
// and nothing where a class is not in the batch. Similarity is cosine and there
// is no augmentation.
type Notebook struct{ Options }

// DefaultNotebook has the notebook's temperature, 0.5, and weight, 1.
func DefaultNotebook() Notebook {
	return Notebook{Options{Temperature: 0.5, Weight: 1, Similarity: Cosine}}
}

// Validate names the first option that does not fit.
func (l Notebook) Validate() error {
	if err := l.validate(); err != nil {
		return err
	}
	switch {
	case l.Similarity != Cosine:
		return fmt.Errorf("contrastive: the notebook's loss has similarity cosine, not %s",
			l.Similarity)
	case l.Augment:
		return fmt.Errorf("contrastive: the notebook's loss has no augmentation; nt-xent and " +
			"supcon do")
	}
	return nil
}

// Loss draws the pair of classes and returns the loss, nil where one is missing. Rows of
// unknown class, -1, are in none.
func (l Notebook) Loss(b autoenc.Batch) *torch.Tensor {
	needLabels("notebook", b)
	order, err := torch.RandPerm(l.classCount())
	if err != nil {
		panic(err)
	}
	var rows [2][]int64
	for i, label := range b.Labels {
		for side, class := range order[:2] {
			if int64(label) == class {
				rows[side] = append(rows[side], int64(i))
			}
		}
	}
	n := min(len(rows[0]), len(rows[1]))
	if n == 0 {
		return nil
	}
	side := func(k int) *torch.Tensor {
		return b.Latent.Rows(torch.From(b.Scope, b.Images.Device(), rows[k][:n], n))
	}
	return l.negativeOnly(side(0), side(1))
}

// negativeOnly is the loss of pairs of rows of a and b (n x d).
func (l Notebook) negativeOnly(a, b *torch.Tensor) *torch.Tensor {
	s := a.Normalize(1).Mul(b.Normalize(1)).SumDim(1)
	return s.Scale(1/l.Temperature, 0).Softplus().Mean().Scale(l.Weight, 0)
}
