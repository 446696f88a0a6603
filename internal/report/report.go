// Package report writes report.html: one self-contained page that shows what
// was run, the results, the losses, the figures, and an explorer of the
// two-dimensional embeddings. The page opens from disk, loads nothing from
// elsewhere (its Content-Security-Policy forbids it), and treats every text it
// is given as text.
package report

import (
	"io"

	"latent/internal/run"
)

// ImageSide is the height and the width of an explorer image, in pixels.
const ImageSide = 28

// Report is the content of the page. Sections whose data is empty are left out.
// All texts are plain text; Write escapes them.
type Report struct {
	Title    string     // heading and window title; required
	Command  string     // command line that made the report
	Dataset  string     // e.g. "mnist"
	Epochs   int        // epochs per model
	Seed     int64      // seed of the run
	Device   string     // e.g. "cpu", "cuda:0"
	Libtorch string     // version, e.g. "1.13.1"
	Date     string     // shown as given; the page reads no clock
	Config   []Setting  // options of the run, in the order shown
	Accuracy []Accuracy // nearest-centroid accuracy, one row per space
	MSE      []MSE      // reconstruction error, one row per model
	Seconds  []Timing   // time taken, one row per stage
	// Losses are the training losses, one curve per model: finite, steps strictly
	// increasing. Long ones are drawn as means and ranges over at most 1,000
	// stretches; losses of 0 and below have no place on the logarithmic axis.
	Losses   []run.Series
	Notes    []string // caveats, one paragraph each
	Figures  []Figure
	Explorer *Explorer // nil: the page has no explorer
}

// Setting is one option of the run.
type Setting struct{ Key, Value string }

// Accuracy holds the nearest-centroid accuracies of one space.
type Accuracy struct {
	Space     string      // "original", "reconstruction", "contrastive", ...
	Euclidean run.Splits  // fractions: nearest centre in the 2-norm
	Cosine    *run.Splits // nearest centre by cosine; nil where it was not measured
}

// MSE is a model's mean squared error over all pixels (PyTorch's MSELoss), on
// pixels in [0, 1].
type MSE struct {
	Model string
	run.Splits
}

// Timing is the wall time of one stage.
type Timing struct {
	Stage   string
	Seconds float64
}

// Figure is one picture, PNG or SVG, told apart by its content.
type Figure struct {
	Caption string
	Alt     string // what the picture shows, for those who cannot see it; required
	Data    []byte // a PNG or SVG file
}

// Explorer is the data behind the interactive map of N points.
type Explorer struct {
	N      int
	Spaces []Space // 1 to 3
	Labels []int   // N; indices into Classes
	// Classes holds the class names, 1 to 256. Colours are matplotlib's C0 to C9,
	// in turn.
	Classes []string
	Images  []byte // N x 28 x 28 grey values, row-major; 0 is black
	// Stride says that point i is image i*Stride of the training set, which the
	// page shows as the image's number. 0 counts as unknown: no number is shown.
	Stride int
}

// Space is one embedding of the explorer's points.
type Space struct {
	Name      string    // "original", ...
	Embedding []float32 // N x 2, row-major, finite
	KL        float64   // Kullback-Leibler divergence at the end of t-SNE
	Predicted []int     // N; nearest-centroid class of each point in this space
}

// Write validates r and writes the page to w. The page of 20,000 points is at
// most 15 MB, provided the figures leave room: images that compress badly are
// stored with fewer grey levels, and the page then says so. Errors name the
// field that does not fit; nothing is written in that case.
func Write(w io.Writer, r Report) error {
	if err := r.Validate(); err != nil {
		return err
	}
	p, err := newPage(r)
	if err != nil {
		return err
	}
	return p.write(w)
}
