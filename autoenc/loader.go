//go:build linux && cgo

package autoenc

import "latent/torch"

// loader gives the batches of one epoch in the order of PyTorch's
// DataLoader(dataset, batch_size, shuffle), the last, smaller batch kept.
type loader struct {
	n, batchSize int
	shuffle      bool
	sampler      *sampler // this process's share of the rows; nil: all
}

// rows is the number of rows in an epoch.
func (l loader) rows() int {
	if l.sampler != nil {
		return l.sampler.rows(l.n)
	}
	return l.n
}

// batches is the number of batches in an epoch.
func (l loader) batches() int { return (l.rows()-1)/l.batchSize + 1 }

// begin draws what an iterator over a DataLoader draws from the default
// generator: a base seed that nobody uses and, when shuffling, the seed of the
// generator that orders the epoch. epoch counts from 0.
func (l loader) begin(epoch int) (seed int64, err error) {
	if _, err = torch.RandomInt64(); err != nil || !l.shuffle {
		return 0, err
	}
	if l.sampler != nil {
		return l.sampler.seed + int64(epoch), nil
	}
	return torch.RandomInt64()
}

// order lists an epoch's rows, each from 0 to n-1, for the seed that begin gave.
func (l loader) order(seed int64) ([]int64, error) {
	var order []int64
	if l.shuffle {
		var err error
		if order, err = torch.RandPermSeeded(l.n, seed); err != nil {
			return nil, err
		}
	} else {
		order = make([]int64, l.n)
		for i := range order {
			order[i] = int64(i)
		}
	}
	if l.sampler != nil {
		order = l.sampler.share(order)
	}
	return order, nil
}

// batch is the i-th batch of an epoch in this order.
func (l loader) batch(order []int64, i int) []int64 {
	return order[i*l.batchSize : min((i+1)*l.batchSize, len(order))]
}
