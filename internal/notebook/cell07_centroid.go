//go:build linux && cgo

package notebook

import (
	"context"
	"fmt"
	"io"

	"latent/centroid"
	"latent/internal/figure"
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
	if !b.hasLabels() {
		return m, nil
	}
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

// scores are the accuracies of other classifiers, by classifier and space.
type scores map[string]map[string]run.Splits

// score classifies all spaces by nearest neighbours and by a linear probe.
func (b *book) score(ctx context.Context, label string) (scores, error) {
	found := scores{}
	if !b.hasLabels() {
		return found, nil
	}
	for _, method := range []string{"knn", "linear"} {
		how := train.Classifier{Method: method, Report: b.report, Label: label + " " + method,
			Neighbors: Neighbors(b.o.Threads)}
		for _, s := range b.spaces() {
			space := train.Pixels(b.data)
			if s != b.original {
				latents, err := b.encode(ctx, s)
				if err != nil {
					return nil, err
				}
				space = latents
			}
			list, err := how.ClassifySpace(ctx, space, b.data)
			if err != nil {
				return nil, err
			}
			for _, p := range list {
				if found[p.Name] == nil {
					found[p.Name] = map[string]run.Splits{}
				}
				found[p.Name][s.name] = p.Accuracy(b.data)
			}
		}
	}
	return found, nil
}

// accuracies are those by epoch of all models that have some.
func (b *book) accuracies() ([]run.AccuracySeries, error) {
	var list []run.AccuracySeries
	for _, s := range b.models() {
		rows, err := run.ReadAccuracy(b.folder.Path(s.name))
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			list = append(list, run.AccuracySeries{Model: s.name, Rows: rows})
		}
	}
	return list, nil
}

// accuracyCurves draws them against epochs.
func (d *drawing) accuracyCurves(w io.Writer, format string) error {
	return figure.Accuracy(w, format, run.AccuracyCurves(d.accuracies))
}

// Conclusion says where the latents of a reconstruction model overtook the pixels, or that
// training ended before; "" where nothing was measured. dir is its run folder.
func Conclusion(dir string, m run.Metrics) (string, error) {
	rows, err := run.ReadAccuracy(dir)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	pixels, latents := 100*m.Accuracy[run.Original].Test, 100*m.Accuracy[run.Reconstruction].Test
	have := fmt.Sprintf("%.2f %% of the test images against %.2f %%", latents, pixels)
	if epoch := run.Overtakes(rows); epoch > 0 && latents >= pixels {
		return fmt.Sprintf("The latents overtake the pixels at epoch %d of %d: nearest "+
			"centroids classify %s.",
			epoch, m.Epochs, have), nil
	}
	text := fmt.Sprintf("%d %s before the latents overtake the pixels: nearest centroids "+
		"classify %s.",
		m.Epochs, stops(m.Epochs), have)
	if m.Dataset == "mnist" && m.Epochs < train.DefaultConfig().Epochs {
		text += fmt.Sprintf(" With seed 0 they do so at epoch 50, and after the notebook's %d "+
			"they have 87.46 %%: "+
			"the same command with --epochs %[1]d goes on from here.",
			train.DefaultConfig().Epochs)
	}
	return text, nil
}

func stops(epochs int) string {
	if epochs == 1 {
		return "epoch stops"
	}
	return "epochs stop"
}
