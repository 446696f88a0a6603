package autoenc

import "latent/internal/torch"

// loader gives the batches of one epoch in the order of PyTorch's
// DataLoader(dataset, batch_size, shuffle), the last, smaller batch kept.
type loader struct {
	n, batchSize int
	shuffle      bool
}

// batches is the number of batches in an epoch.
func (l loader) batches() int { return (l.n + l.batchSize - 1) / l.batchSize }

// begin draws what an iterator over a DataLoader draws from the default
// generator: a base seed that nobody uses and, when shuffling, the seed of the
// generator that orders the epoch.
func (l loader) begin() (seed int64, err error) {
	if _, err = torch.RandomInt64(); err != nil || !l.shuffle {
		return 0, err
	}
	return torch.RandomInt64()
}

// order is the epoch's permutation of 0..n-1 for the seed that begin drew.
func (l loader) order(seed int64) ([]int64, error) {
	if l.shuffle {
		return torch.RandPermSeeded(l.n, seed)
	}
	order := make([]int64, l.n)
	for i := range order {
		order[i] = int64(i)
	}
	return order, nil
}

// batch is the i-th batch of an epoch in this order.
func (l loader) batch(order []int64, i int) []int64 {
	return order[i*l.batchSize : min((i+1)*l.batchSize, l.n)]
}
