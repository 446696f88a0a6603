//go:build linux && cgo

package autoenc

import (
	"bytes"
	"context"
	"fmt"

	"latent/torch"
	"latent/torch/pt"
)

// sampler is torch.utils.data.DistributedSampler(drop_last=False): which rows of
// an epoch's order one of several processes takes. With one process it takes all,
// in the order that several would share.
type sampler struct {
	rank, size int
	seed       int64 // an epoch is shuffled with manual_seed(seed + epoch)
}

// rows is the number of rows of n that each process takes.
func (p *sampler) rows(n int) int { return (n + p.size - 1) / p.size }

// share is every size-th row from the rank-th on. The first rows come again at
// the end where the shares would not be equal.
func (p *sampler) share(order []int64) []int64 {
	mine := make([]int64, p.rows(len(order)))
	for i := range mine {
		mine[i] = order[(p.rank+i*p.size)%len(order)]
	}
	return mine
}

// join makes this process's trainer one of its group's: its share of the rows,
// rank 0's weights.
func (t *Trainer) join() error {
	g := t.options.Group
	t.loader.sampler = &sampler{rank: g.Rank, size: g.Size, seed: t.options.Seed}
	return torch.Do(func(*torch.Scope) {
		for _, p := range t.Model.Parameters() {
			g.Broadcast(p.Tensor)
		}
	})
}

// stopped says why a run must stop here: ctx's error or, in a group, what the
// processes told each other in the last step.
func (t *Trainer) stopped(ctx context.Context) error {
	if t.options.Group == nil {
		return ctx.Err()
	}
	if !t.stop {
		return nil
	}
	t.stop = false // a later Run goes on
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("autoenc: train: another process of the group was interrupted: %w",
		context.Canceled)
}

// ShareCheckpoint gives every process of a group rank 0's checkpoint, or nil
// where rank 0 has none, so that rank 0 alone reads the run folder. All call it.
func ShareCheckpoint(g *torch.Group, c *Checkpoint) (*Checkpoint, error) {
	var data bytes.Buffer
	if g.Rank == 0 && c != nil {
		if err := pt.Encode(&data, c.dict); err != nil {
			return nil, fmt.Errorf("autoenc: share checkpoint: %w", err)
		}
	}
	b, err := g.BroadcastBytes(data.Bytes())
	if err != nil {
		return nil, fmt.Errorf("autoenc: share checkpoint: %w", err)
	}
	if g.Rank == 0 || len(b) == 0 {
		return c, nil
	}
	v, err := pt.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("autoenc: share checkpoint: %w", err)
	}
	return checkpointFrom(v, "rank 0's checkpoint")
}
