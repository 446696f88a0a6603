//go:build linux && cgo

package autoenc

import (
	"context"
	"fmt"

	"latent/torch"
)

// evaluationBatch rows at a time pass through the model when nothing is trained.
const evaluationBatch = 1024

// Encode returns the latents of the rows of x, n x d, no gradient.
func Encode(ctx context.Context, m Model, x Samples) ([]float32, error) {
	z, err := rowsOf(ctx, m, x, m.Encode)
	if err != nil {
		return nil, fmt.Errorf("autoenc: encode: %w", err)
	}
	return z, nil
}

// Reconstruct returns the decoder's output for the rows of x, n x DimIn, no
// gradient.
func Reconstruct(ctx context.Context, m Model, x Samples) ([]float32, error) {
	xhat, err := rowsOf(ctx, m, x,
		func(batch *torch.Tensor) *torch.Tensor { return m.Decode(m.Encode(batch)) })
	if err != nil {
		return nil, fmt.Errorf("autoenc: reconstruct: %w", err)
	}
	return xhat, nil
}

// Evaluate returns the mean squared error over all elements of the rows of x, batch
// means weighted by batch size, no gradient.
func Evaluate(ctx context.Context, m Model, x Samples) (float64, error) {
	var means []*torch.Tensor // a GPU is asked once, for all
	defer func() {
		for _, mean := range means {
			mean.Close()
		}
	}()
	err := each(ctx, m, x, func(s *torch.Scope, start, end int, batch *torch.Tensor) {
		mean := torch.MSELoss(m.Decode(m.Encode(batch)), batch).Reshape(1)
		means = append(means, s.Keep(mean))
	})
	values := make([]float32, len(means)+1)
	if err == nil {
		err = torch.Do(func(s *torch.Scope) {
			first := torch.From(s, means[0].Device(), []float32{0}, 1)
			torch.CopyTo(values, torch.Cat(0, append([]*torch.Tensor{first}, means...)...))
		})
	}
	if err != nil {
		return 0, fmt.Errorf("autoenc: evaluate: %w", err)
	}
	sum := 0.0
	for i, mean := range values[1:] {
		start := i * evaluationBatch
		sum += float64(mean) * float64(min(start+evaluationBatch, x.n)-start)
	}
	return sum / float64(x.Len()), nil
}

// rowsOf collects what f makes of every batch of x, one row for each of x's.
func rowsOf(ctx context.Context, m Model, x Samples,
	f func(batch *torch.Tensor) *torch.Tensor) ([]float32, error) {
	var rows []float32
	err := each(ctx, m, x, func(_ *torch.Scope, start, end int, batch *torch.Tensor) {
		out := f(batch)
		width := out.Len() / (end - start)
		if rows == nil {
			rows = make([]float32, x.Len()*width)
		}
		torch.CopyTo(rows[start*width:end*width], out)
	})
	return rows, err
}

// each calls f with every batch of x in order, without recording gradients. One batch at a
// time is where the model is.
func each(
	ctx context.Context, m Model, x Samples,
	f func(s *torch.Scope, start, end int, batch *torch.Tensor),
) error {
	device, err := deviceOf(m)
	if err != nil {
		return err
	}
	dim, err := x.dim()
	for start := 0; start < x.n && err == nil; start += evaluationBatch {
		if err = ctx.Err(); err == nil {
			end := min(start+evaluationBatch, x.n)
			err = torch.NoGrad(func(s *torch.Scope) {
				f(s, start, end, x.part(start, end, dim).on(s, device, dim))
			})
		}
	}
	return err
}
