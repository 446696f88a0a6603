//go:build linux && cgo

package notebook

import (
	"context"

	"latent/centroid"
	"latent/internal/run"
	"latent/internal/train"
)

// measured is the result of the classify stage, by space.
type measured struct {
	Accuracy map[string]run.Splits `json:"accuracy"` // nearest centroid in the 2-norm
	Cosine   map[string]run.Splits `json:"cosine"`
}

// classify measures all spaces by both metrics (cells 7 and 10).
func (b *book) classify(ctx context.Context, label string) (measured, error) {
	m := measured{map[string]run.Splits{}, map[string]run.Splits{}}
	for _, s := range b.spaces() {
		for _, metric := range []centroid.Metric{centroid.Euclidean, centroid.Cosine} {
			b.report.Update(status(label, s.name+", "+metric.String()))
			c, err := b.predict(ctx, s, metric)
			if err != nil {
				return measured{}, err
			}
			if metric == centroid.Euclidean {
				m.Accuracy[s.name] = c.Accuracy
			} else {
				m.Cosine[s.name] = c.Accuracy
			}
		}
	}
	return m, nil
}

// predict returns what the nearest centroid makes of a space.
func (b *book) predict(
	ctx context.Context, s *space, m centroid.Metric,
) (train.Classified, error) {
	if s == b.original {
		return b.data.Original(m)
	}
	if c, ok := s.predicted[m]; ok {
		return c, nil
	}
	latents, err := b.encode(ctx, s)
	if err != nil {
		return train.Classified{}, err
	}
	c, err := train.NearestCentroid(latents, b.data, m)
	if err == nil {
		s.predicted[m] = c
	}
	return c, err
}
