//go:build linux && cgo

package train

import (
	"context"
	"io"
	"runtime"
	"time"

	"latent/centroid"
	"latent/internal/figure"
	"latent/internal/run"
)

// finish draws the loss curve, measures the model and writes its metrics.
func (j *job) finish(ctx context.Context, began time.Time) (Result, error) {
	err := figure.Save(j.folder.Path("loss"), func(w io.Writer, format string) error {
		return figure.Loss(w, format, run.Series{Losses: j.losses.Rows()})
	})
	if err != nil {
		return Result{}, err
	}
	model := j.trainer.Model
	// Of a million rows the trainer's copy, and the latents of the last measure, are half of what
	// is in memory, and as many latents are to come.
	j.trainer.Close()
	runtime.GC()
	mse, err := MSE(ctx, model, j.data)
	if err != nil {
		return Result{}, err
	}
	latents, err := Latents(ctx, j.Space(), model, j.data)
	if err != nil {
		return Result{}, err
	}
	var result Result
	var accuracy map[string]run.Splits
	if j.data.Labelled() {
		accuracy, err = j.accuracy(latents, centroid.Euclidean)
		if err == nil && j.Contrastive != "none" {
			result.Cosine, err = j.accuracy(latents, centroid.Cosine)
		}
		if err != nil {
			return Result{}, err
		}
	}
	err = j.folder.UpdateMetrics(func(m *run.Metrics) {
		*m = run.Metrics{Dataset: j.Name(), Epochs: j.Epochs, Seed: &j.Seed,
			Device: j.Device, Libtorch: j.Libtorch,
			Accuracy: accuracy, MSE: map[string]run.Splits{j.Space(): mse},
			Seconds: map[string]float64{j.Space(): j.seconds,
				run.Total: time.Since(began).Seconds()}}
		result.Metrics = *m
	})
	return result, err
}

// accuracy classifies the original and the latent space.
func (j *job) accuracy(latents Space, m centroid.Metric) (map[string]run.Splits, error) {
	pixels, err := j.data.Original(m)
	if err != nil {
		return nil, err
	}
	latent, err := NearestCentroid(latents, j.data, m)
	return map[string]run.Splits{run.Original: pixels.Accuracy, latents.Name: latent.Accuracy}, err
}
