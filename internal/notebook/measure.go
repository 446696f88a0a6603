package notebook

import (
	"context"

	"latent/centroid"
	"latent/internal/progress"
	"latent/internal/run"
)

// measured is the result of the classify stage.
type measured struct {
	Accuracy map[string]run.Splits `json:"accuracy"` // nearest centroid in the 2-norm
	Cosine   map[string]run.Splits `json:"cosine"`
}

// classify measures all spaces by both metrics (cells 7 and 10).
func (b *book) classify(ctx context.Context, label string) (any, error) {
	m := measured{map[string]run.Splits{}, map[string]run.Splits{}}
	for _, name := range b.spaces() {
		for _, metric := range []centroid.Metric{centroid.Euclidean, centroid.Cosine} {
			b.report.Update(status(label, name+", "+metric.String()))
			c, err := b.classified(ctx, name, metric)
			if err != nil {
				return nil, err
			}
			if metric == centroid.Euclidean {
				m.Accuracy[name] = c.Accuracy
			} else {
				m.Cosine[name] = c.Accuracy
			}
		}
	}
	return m, nil
}

// classified returns what the nearest centroid makes of a space.
func (b *book) classified(ctx context.Context, name string, m centroid.Metric) (Classified, error) {
	if name == "original" {
		return b.data.Original(m)
	}
	key := name + " " + m.String()
	if c, ok := b.predicted[key]; ok {
		return c, nil
	}
	s, err := b.space(ctx, name)
	if err != nil {
		return Classified{}, err
	}
	c, err := NearestCentroid(s, b.data, m)
	if err == nil {
		b.predicted[key] = c
	}
	return c, err
}

// status is a job without a count.
func status(label, note string) progress.Status { return progress.Status{Label: label, Note: note} }
