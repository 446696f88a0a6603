//go:build linux && cgo

package train

import (
	"context"
	"errors"

	"latent/centroid"
	"latent/internal/run"
)

// measured reports whether the accuracies are taken after this epoch. It depends on
// nothing else, so that a run that goes on further has the rows of one that always went so
// far. 56 of the notebook's 500 epochs are measured, for less than 2 % of their time.
func measured(epoch int) bool {
	switch {
	case epoch <= 2:
		return true
	case epoch <= 50:
		return epoch%5 == 0
	}
	return epoch%10 == 0
}

// epochEnd measures the model after an epoch, and finds the classes of the next where it must.
func (j *job) epochEnd(ctx context.Context, epoch int) error {
	return errors.Join(j.measure(epoch), j.relabel(ctx, epoch))
}

// measure notes what nearest centroids find after an epoch (cell 7). It encodes without
// gradients and draws nothing: the losses stay what they are.
func (j *job) measure(epoch int) error {
	if !measured(epoch) || !j.data.Labelled() {
		return nil
	}
	// An interruption waits for the second that this takes: the checkpoint that it saves
	// must not lack the row.
	ctx := context.Background()
	original, err := j.data.Original(centroid.Euclidean)
	if err != nil {
		return err
	}
	latents, err := Latents(ctx, j.Space(), j.trainer.Model, j.data)
	if err != nil {
		return err
	}
	row := run.EpochAccuracy{Epoch: epoch, Original: original.Accuracy}
	for metric, to := range map[centroid.Metric]*run.Splits{
		centroid.Euclidean: &row.Latent, centroid.Cosine: &row.Cosine,
	} {
		c, err := NearestCentroid(latents, j.data, metric)
		if err != nil {
			return err
		}
		*to = c.Accuracy
	}
	j.epochs = append(j.epochs, row)
	return nil
}

// earlierAccuracies reads the accuracies of the epochs that are done at this step, and
// leaves out later ones, which a process wrote that died before its checkpoint.
func (j *job) earlierAccuracies(step int) error {
	rows, err := run.ReadAccuracy(j.folder.Dir())
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Epoch*(j.trainer.Steps()/j.Epochs) <= step {
			j.epochs = append(j.epochs, row)
		}
	}
	return nil
}
