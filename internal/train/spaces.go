package train

import (
	"context"

	"latent/autoenc"
	"latent/centroid"
	"latent/dataset"
	"latent/internal/run"
)

// Original classifies the original space, once for each metric.
func (d *Data) Original(m centroid.Metric) (Classified, error) {
	if c, ok := d.original[m]; ok {
		return c, nil
	}
	c, err := NearestCentroid(Pixels(d), d, m)
	if err == nil {
		d.original[m] = c
	}
	return c, err
}

// Space is one representation of a dataset: the pixels, or a model's latents.
type Space struct {
	Name        string
	Train, Test []float32 // n x d, row-major
}

// Pixels is the original space, 784 wide, 0 to 1.
func Pixels(d *Data) Space {
	return Space{Name: run.Original, Train: d.Train.Floats(), Test: d.Test.Floats()}
}

// Latents is the space of a model's encoder outputs, 50 wide.
func Latents(ctx context.Context, name string, m autoenc.Model, d *Data) (Space, error) {
	train, err := autoenc.Encode(ctx, m, Samples(d.Train))
	if err != nil {
		return Space{}, err
	}
	test, err := autoenc.Encode(ctx, m, Samples(d.Test))
	return Space{Name: name, Train: train, Test: test}, err
}

// Samples are the images of a split.
func Samples(s *dataset.Split) autoenc.Samples { return autoenc.FromPixels(s.Images, s.N) }

// Classified is what the nearest centroid makes of a space (cell 7). Centres are
// those of the training split.
type Classified struct {
	Train, Test []int // predicted classes
	Accuracy    run.Splits
}

// NearestCentroid classifies both splits of a space.
func NearestCentroid(s Space, d *Data, m centroid.Metric) (Classified, error) {
	centers, err := centroid.Fit(s.Train, d.Train.N, d.Train.Labels, m)
	if err != nil {
		return Classified{}, err
	}
	var c Classified
	if c.Train, err = centers.Predict(s.Train, d.Train.N); err != nil {
		return Classified{}, err
	}
	if c.Test, err = centers.Predict(s.Test, d.Test.N); err != nil {
		return Classified{}, err
	}
	c.Accuracy = run.Splits{
		Train: centroid.Accuracy(c.Train, d.Train.Labels),
		Test:  centroid.Accuracy(c.Test, d.Test.Labels),
	}
	return c, nil
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
