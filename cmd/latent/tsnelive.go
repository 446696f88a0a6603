package main

import (
	"time"

	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/tsne"
)

// showForming shows the progress of a map of n points on d and, once it has taken a second,
// in two files beside output for those who watch: see run.FrameFile. They go when the map
// is there: call end then.
func showForming(o *tsne.Options, output string, n int, d *progress.Display) (end func()) {
	if output == standardStream {
		o.Progress = notebook.ShowTSNE(d, "tsne")
		return func() {}
	}
	recorder := progress.NewRecorder(d, run.MapStatusFile(output), time.Second)
	frames := run.NewFrames(run.FrameFile(output))
	o.Progress = notebook.ShowTSNE(recorder, "tsne")
	o.CallbackEvery = max(5, n/40_000) // a copy of many positions takes longer
	o.Callback = func(_ int, _ float64, y []float32) bool {
		frames.Show(y, n)
		return false
	}
	return func() {
		frames.Close()
		recorder.Close(nil)
	}
}
