//go:build linux && cgo

package train

import (
	"context"

	"latent/autoenc"
	"latent/dataset"
	"latent/internal/run"
)

// Latents is the space of a model's encoder outputs.
func Latents(ctx context.Context, name string, m autoenc.Model, d *Data) (Space, error) {
	train, err := autoenc.Encode(ctx, m, Samples(d.Train))
	if err != nil {
		return Space{}, err
	}
	test, err := autoenc.Encode(ctx, m, Samples(d.Test))
	return Space{Name: name, Train: train, Test: test}, err
}

// Samples are the rows of a split.
func Samples(s *dataset.Split) autoenc.Samples {
	if s.Features != nil {
		return autoenc.FromFloats(s.Features, s.N)
	}
	return autoenc.FromPixels(s.Images, s.N)
}

// MSE is the mean squared reconstruction error of both splits.
func MSE(ctx context.Context, m autoenc.Model, d *Data) (run.Splits, error) {
	train, err := autoenc.Evaluate(ctx, m, Samples(d.Train))
	if err != nil {
		return run.Splits{}, err
	}
	test, err := autoenc.Evaluate(ctx, m, Samples(d.Test))
	return run.Splits{Train: train, Test: test}, err
}
