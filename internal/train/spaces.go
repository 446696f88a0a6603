package train

import (
	"latent/centroid"
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

// Result is what a folder's metrics.json says and, for contrastive models, what
// nearest centroids find by cosine.
type Result struct {
	run.Metrics
	Cosine map[string]run.Splits `json:"accuracy_cosine,omitempty"`
}

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
