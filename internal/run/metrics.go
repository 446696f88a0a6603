package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Spaces: the names of what is measured, in Metrics and in file names.
const (
	Original       = "original"       // the pixels
	Reconstruction = "reconstruction" // latents of the model without a contrastive loss
	Contrastive    = "contrastive"    // latents of the model with one
)

// Splits is one number for each split of the data.
type Splits struct {
	Train float64 `json:"train"`
	Test  float64 `json:"test"`
}

// TSNE is what an embedding cost and reached.
type TSNE struct {
	KL         float64 `json:"kl"` // Kullback-Leibler divergence at the end, nats
	Iterations int     `json:"iterations"`
	Seconds    float64 `json:"seconds"`
	// tsne.Schedule's name; maps from before it was told are scikit-learn's
	Schedule string `json:"schedule,omitempty"`
}

// Total is the key of all time in Metrics.Seconds.
const Total = "total"

// Metrics is metrics.json, of a run folder or the notebook's. What was not
// measured is absent. The maps' keys are spaces, and in Seconds Total.
type Metrics struct {
	Dataset  string             `json:"dataset,omitempty"`
	Epochs   int                `json:"epochs,omitempty"`
	Seed     *int64             `json:"seed,omitempty"`
	Device   string             `json:"device,omitempty"`
	Libtorch string             `json:"libtorch,omitempty"`
	Accuracy map[string]Splits  `json:"accuracy,omitempty"` // of the nearest centroid, 0 to 1
	MSE      map[string]Splits  `json:"mse,omitempty"`      // mean over all pixels
	TSNE     map[string]TSNE    `json:"tsne,omitempty"`
	Seconds  map[string]float64 `json:"seconds,omitempty"` // of training, by model
	// Scores are the accuracies of other classifiers, by classifier and space.
	Scores map[string]map[string]Splits `json:"scores,omitempty"`
}

// ReadMetrics reads dir's metrics.json. Unknown fields are an error: a program
// that does not know them would lose them in an update.
func ReadMetrics(dir string) (Metrics, error) {
	path := filepath.Join(dir, MetricsFile)
	var m Metrics
	b, err := readJSON(path)
	if err == nil {
		err = decodeMetrics(b, &m)
	}
	if err != nil {
		return Metrics{}, fmt.Errorf("run: read %s: %w", path, err)
	}
	return m, nil
}

func decodeMetrics(b []byte, m *Metrics) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if fields == nil {
		return errors.New("null is not an object of metrics")
	}
	return strict(b, m)
}

// UpdateMetrics lets change set its part of metrics.json and writes the file. It
// starts from the file's content, or from nothing where there is no file; the
// maps are never nil.
func (f *Folder) UpdateMetrics(change func(m *Metrics)) error {
	m, err := ReadMetrics(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if m.Accuracy == nil {
		m.Accuracy = map[string]Splits{}
	}
	if m.MSE == nil {
		m.MSE = map[string]Splits{}
	}
	if m.TSNE == nil {
		m.TSNE = map[string]TSNE{}
	}
	if m.Seconds == nil {
		m.Seconds = map[string]float64{}
	}
	change(&m)
	if err := writeJSON(f.Path(MetricsFile), m); err != nil {
		return fmt.Errorf("run: write metrics: %w", err)
	}
	return nil
}
