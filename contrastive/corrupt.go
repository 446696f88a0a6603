//go:build linux && cgo

package contrastive

import "latent/torch"

// DefaultCorruption is SCARF's share of corrupted features.
const DefaultCorruption = 0.6

// corrupt returns changed copies of rows x (n x d) that are no images (SCARF, arXiv
// 2106.15147, algorithm 1): of each row int(rate d) features, chosen anew for each row, but
// one at least, are replaced by the same feature of another row of the batch, chosen anew
// for each feature; the paper takes it from the whole training set. It draws
// torch.rand(n, d), whose smallest numbers in a row say what is replaced, and
// torch.rand(n, d), which say by which row.
func corrupt(s *torch.Scope, x *torch.Tensor, rate float64) *torch.Tensor {
	shape := x.Shape()
	n, d := shape[0], shape[1]
	replaced := max(1, int(rate*float64(d)))
	rank := s.Uniform(x, 0, 1, n, d).ArgSort(1, false).ArgSort(1, false)
	from := s.Uniform(x, 0, 1, n, d).Scale(float64(n),
		0).Floor().ClampMax(float64(n - 1)).ToType(torch.Int64Type)
	return torch.Where(rank.LtScalar(float64(replaced)), x.Gather(0, from), x)
}
