// Package report writes report.html: one self-contained page that shows what
// was run, the results, the losses, the figures, and an explorer of the
// two-dimensional embeddings. The page opens from disk, loads nothing from
// elsewhere (its Content-Security-Policy forbids it), and treats every text it
// is given as text.
package report

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"latent/internal/atomicfile"
	"latent/internal/run"
)

// Report is the content of the page. Sections whose data is empty are left out.
// All texts are plain text; Write escapes them.
type Report struct {
	Title string // heading and window title; required
	// spaces, models and stages are shown as they are, not with a capital letter
	AsNamed  bool
	Command  string     // command line that made the report
	Dataset  string     // e.g. "mnist"
	Epochs   int        // epochs per model
	Seed     *int64     // seed of the run; nil: none is shown
	Device   string     // e.g. "cpu", "cuda:0"
	Libtorch string     // version, e.g. "1.13.1"
	Date     string     // shown as given; the page reads no clock
	Config   []Setting  // options of the run, in the order shown
	Accuracy []Accuracy // nearest-centroid accuracy, one row per space
	Scores   []Score    // accuracy of other classifiers, one row per classifier and space
	MSE      []MSE      // reconstruction error, one row per model
	Seconds  []Timing   // time taken, one row per stage
	// Losses are the training losses, one curve per model: finite, steps strictly
	// increasing. Long ones are drawn as means and ranges over at most 1,000
	// stretches; losses of 0 and below have no place on the logarithmic axis.
	Losses []run.Series
	// Epochwise are the accuracies by epoch, a list per model: the chart under the results.
	Epochwise []run.AccuracySeries
	Notes     []string // caveats, one paragraph each
	Figures   []Figure
	Explorer  *Explorer // nil: the page has no explorer
}

// Setting is one option of the run.
type Setting struct{ Key, Value string }

// Accuracy holds the nearest-centroid accuracies of one space.
type Accuracy struct {
	Space     string      // "original", "reconstruction", "contrastive", ...
	Euclidean run.Splits  // fractions: nearest centre in the 2-norm
	Cosine    *run.Splits // nearest centre by cosine; nil where it was not measured
}

// Score is the accuracy of a classifier other than the nearest centroid in one space.
type Score struct {
	Classifier, Space string
	run.Splits
}

// Scores lists the scores of a metrics.json, classifiers in alphabetical order.
func Scores(m run.Metrics) []Score {
	var list []Score
	for _, classifier := range slices.Sorted(maps.Keys(m.Scores)) {
		for _, space := range []string{run.Original, run.Reconstruction, run.Contrastive} {
			if s, ok := m.Scores[classifier][space]; ok {
				list = append(list, Score{classifier, space, s})
			}
		}
	}
	return list
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

// Write validates r and writes the page, whole, to w. Pictures that would make it
// larger than 15 MB are stored with fewer grey levels, down to 16, and the page then
// says so. An explorer of more than MaxInside points is an error: WriteFile puts its
// data beside the page. Errors name the field that does not fit; nothing is written in
// that case.
func Write(w io.Writer, r Report) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if e := r.Explorer; e != nil && e.beside() {
		return fmt.Errorf("report: Explorer: its data does not fit into one page, at most %s "+
			"points and "+
			"%d MB of pictures: use WriteFile", thousands(MaxInside), maxPictures>>20)
	}
	p, err := newPage(r, "")
	if err != nil {
		return err
	}
	return p.write(w)
}

// WriteFile writes the page to the file path, which ends in .html. Where an explorer has
// more than MaxInside points, or more pictures than a page holds, its data goes into files in
// the folder beside the page that has its name and ends in -data; the two move together.
func WriteFile(path string, r Report) error {
	if err := r.Validate(); err != nil {
		return err
	}
	folder := ""
	if r.Explorer != nil && r.Explorer.beside() {
		folder = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "-data"
	}
	p, err := newPage(r, folder)
	if err != nil {
		return err
	}
	if folder != "" {
		if err := p.View.writeBeside(filepath.Join(filepath.Dir(path), folder)); err != nil {
			return err
		}
	}
	return atomicfile.Write(path, p.write)
}
