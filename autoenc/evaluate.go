package autoenc

import (
	"context"
	"fmt"

	"latent/torch"
)

// evaluationBatch rows at a time pass through the model when nothing is trained.
const evaluationBatch = 1024

// Encode returns the latent vectors of n rows: n x LatentDim, no gradient.
func (m *AutoEncoder) Encode(ctx context.Context, x Samples) ([]float32, error) {
	z := make([]float32, x.Len()*LatentDim)
	err := m.each(ctx, x, func(start, end int, batch *torch.Tensor) {
		torch.CopyTo(z[start*LatentDim:end*LatentDim], m.Encoder.Forward(batch))
	})
	if err != nil {
		return nil, fmt.Errorf("autoenc: encode: %w", err)
	}
	return z, nil
}

// Reconstruct returns the decoder's output for n rows: n x DimIn, no gradient.
func (m *AutoEncoder) Reconstruct(ctx context.Context, x Samples) ([]float32, error) {
	xhat := make([]float32, x.Len()*m.dimIn)
	err := m.each(ctx, x, func(start, end int, batch *torch.Tensor) {
		out := m.Decoder.Forward(m.Encoder.Forward(batch))
		torch.CopyTo(xhat[start*m.dimIn:end*m.dimIn], out)
	})
	if err != nil {
		return nil, fmt.Errorf("autoenc: reconstruct: %w", err)
	}
	return xhat, nil
}

// Evaluate returns the mean squared error over all elements of n rows, batch
// means weighted by batch size, no gradient.
func (m *AutoEncoder) Evaluate(ctx context.Context, x Samples) (float64, error) {
	sum := 0.0
	err := m.each(ctx, x, func(start, end int, batch *torch.Tensor) {
		out := m.Decoder.Forward(m.Encoder.Forward(batch))
		sum += torch.MSELoss(out, batch).Item() * float64(end-start)
	})
	if err != nil {
		return 0, fmt.Errorf("autoenc: evaluate: %w", err)
	}
	return sum / float64(x.Len()), nil
}

// each calls f with every batch of x in order, without recording gradients.
func (m *AutoEncoder) each(ctx context.Context, x Samples, f func(start, end int, batch *torch.Tensor)) error {
	data, err := x.load(m.dimIn, m.device)
	if err != nil {
		return err
	}
	defer data.Close()
	order, err := loader{n: x.n}.order(0)
	if err != nil {
		return err
	}
	for start := 0; start < x.n; start += evaluationBatch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		end := min(start+evaluationBatch, x.n)
		err := torch.NoGrad(func(s *torch.Scope) { f(start, end, data.batch(s, order[start:end])) })
		if err != nil {
			return err
		}
	}
	return nil
}
