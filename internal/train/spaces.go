package train

import (
	"errors"

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

// Pixels is the original space: pixels from 0 to 1, or scaled rows.
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

// labelled are the rows whose class is known, with their classes; x itself where all are.
func labelled(x []float32, labels []int) ([]float32, []int) {
	known := 0
	for _, l := range labels {
		if l != dataset.Unknown {
			known++
		}
	}
	if known == len(labels) {
		return x, labels
	}
	width := len(x) / max(len(labels), 1)
	rows, classes := make([]float32, 0, known*width), make([]int, 0, known)
	for i, l := range labels {
		if l != dataset.Unknown {
			rows, classes = append(rows, x[i*width:(i+1)*width]...), append(classes, l)
		}
	}
	return rows, classes
}

// KnownRows are the rows of x whose class is known.
func KnownRows(x []float32, labels []int) Rows {
	x, labels = labelled(x, labels)
	return Rows{x, len(labels), labels}
}

// Known are the labels that are known.
func Known(labels []int) []int {
	_, known := labelled(nil, labels)
	return known
}

// accuracy is the share of right predictions among rows whose class is known.
func accuracy(predicted, labels []int) float64 {
	right, known := 0, 0
	for i, l := range labels {
		if l != dataset.Unknown {
			known++
			if predicted[i] == l {
				right++
			}
		}
	}
	return float64(right) / float64(max(known, 1))
}

// NearestCentroid classifies both splits of a space. Rows of unknown class are classified,
// and do not count.
func NearestCentroid(s Space, d *Data, m centroid.Metric) (Classified, error) {
	if !d.Labelled() {
		return Classified{}, errors.New("there are no labels to classify by")
	}
	rows, classes := labelled(s.Train, d.Train.Labels)
	centers, err := centroid.Fit(rows, len(classes), classes, m)
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
		Train: accuracy(c.Train, d.Train.Labels),
		Test:  accuracy(c.Test, d.Test.Labels),
	}
	return c, nil
}
