//go:build linux && cgo

package notebook

import (
	"context"
	"fmt"
	"os"
	"time"

	"latent/centroid"
	"latent/internal/matrix"
	"latent/internal/report"
	"latent/internal/run"
)

// metrics puts together metrics.json from what the stages left.
func (b *book) metrics() run.Metrics {
	m := run.Metrics{Dataset: b.o.Name(), Epochs: b.o.Epochs, Seed: &b.o.Seed,
		Accuracy: b.classified.Result().Accuracy, MSE: map[string]run.Splits{},
		TSNE: map[string]run.TSNE{}, Seconds: map[string]float64{}}
	total := 0.0
	for _, seconds := range b.graph.Seconds() {
		total += seconds
	}
	if b.scored != nil {
		m.Scores = b.scored.Result()
	}
	for _, s := range b.models() {
		trained := s.trained.Result()
		m.Device, m.Libtorch = trained.Device, trained.Libtorch
		m.MSE[s.name], m.Seconds[s.name] = trained.MSE[s.name], trained.Seconds[s.name]
		// Training that was interrupted counts in full.
		total += max(0, trained.Seconds[s.name]-s.trained.Seconds())
	}
	m.Seconds[run.Total] = total
	for _, s := range b.spaces() {
		m.TSNE[s.name] = s.embedded.Result()
	}
	return m
}

// writeReport writes metrics.json and report.html.
func (b *book) writeReport(ctx context.Context, label string) (none, error) {
	b.report.Update(status(label, ""))
	m := b.metrics()
	page, err := b.page(ctx, m)
	if err != nil {
		return none{}, err
	}
	if err := report.WriteFile(b.folder.Path("report.html"), page); err != nil {
		return none{}, err
	}
	return none{}, b.folder.UpdateMetrics(func(old *run.Metrics) { *old = m })
}

func (b *book) page(ctx context.Context, m run.Metrics) (report.Report, error) {
	p := report.Report{
		Title: "Unsupervised classifiers: " + b.o.Name(), Command: b.o.Command,
		Dataset: b.o.Name(), Epochs: b.o.Epochs, Seed: &b.o.Seed, Device: m.Device,
		Libtorch: m.Libtorch,
		Date:     time.Now().Format("2 January 2006, 15:04"), Config: b.settings(),
		Notes: Notes(b.o.Config),
	}
	p.Explorer = &report.Explorer{Labels: b.labels(), Classes: b.classes(),
		Row: "Training image", Stride: b.o.Every, Pictures: b.pictures()}
	p.Explorer.N = len(p.Explorer.Labels)
	p.Explorer.Note = "Training images, placed in two dimensions by t-SNE"
	if !b.images() {
		p.Explorer.Row, p.Explorer.Note = "Training row",
			"Training rows, placed in two dimensions by t-SNE"
	}
	if b.hasLabels() {
		p.Explorer.Note += ", and the classes that nearest centroids predict"
	}
	p.Explorer.Note += "."
	few := len(p.Explorer.Classes) <= report.MaxGroups
	if !few {
		p.Explorer.Labels, p.Explorer.Classes = nil, nil
	}
	for _, s := range b.spaces() {
		y, err := matrix.ReadFile(b.mapPath(s))
		if err != nil {
			return p, err
		}
		e := report.Space{Name: s.name, Embedding: y.Data, KL: m.TSNE[s.name].KL}
		if b.hasLabels() {
			cosine := b.classified.Result().Cosine[s.name]
			p.Accuracy = append(p.Accuracy,
				report.Accuracy{Space: s.name, Euclidean: m.Accuracy[s.name], Cosine: &cosine})
			c, err := b.predict(ctx, s, centroid.Euclidean)
			if err != nil {
				return p, err
			}
			if few {
				e.Predicted = matrix.Every(c.Train, 1, b.o.Every)
			}
		}
		p.Explorer.Spaces = append(p.Explorer.Spaces, e)
	}
	p.Scores = report.Scores(m)
	for _, s := range b.models() {
		p.MSE = append(p.MSE, report.MSE{Model: s.name, Splits: m.MSE[s.name]})
	}
	var err error
	if p.Losses, err = b.losses(); err != nil {
		return p, err
	}
	if p.Epochwise, err = b.accuracies(); err != nil {
		return p, err
	}
	for stage, seconds := range b.graph.Seconds() {
		p.Seconds = append(p.Seconds, report.Timing{Stage: stage, Seconds: seconds})
	}
	for _, name := range b.figures() {
		if name == "accuracy" && len(p.Epochwise) == 0 {
			continue // by an earlier version, which measured nothing on the way
		}
		f := captions[name]
		if name == "tsne" && !b.images() {
			f.Caption = "t-SNE of the embedded training rows: as they are left, latent vectors " +
				"of the autoencoder right"
		}
		if f.Data, err = os.ReadFile(b.folder.Path("figures/" + name + ".png")); err != nil {
			return p, err
		}
		p.Figures = append(p.Figures, f)
	}
	return p, nil
}

// captions are the texts of the report's figures.
var captions = map[string]report.Figure{
	"tsne": {Caption: "t-SNE of the embedded training images: " +
		"pixels left, latent vectors of the autoencoder right",
		Alt: "Two scatter plots of points coloured by class, " +
			"original space on the left and latent space on the right"},
	"tsne-contrastive": {Caption: "t-SNE of the latent vectors after contrastive training",
		Alt: "A scatter plot of points coloured by class, latent space of the contrastive model"},
	"reconstructions": {Caption: "Test images and what the models make of them",
		Alt: "A row of test images above their reconstructions"},
	"loss": {Caption: "Training loss",
		Alt: "Training loss against iterations on a logarithmic axis"},
	"accuracy": {Caption: "Nearest-centroid accuracy on the test images by epoch",
		Alt: "Accuracy of the pixels, a level line, and of the latent vectors, which rise past " +
			"it or not"},
	"sample": {Caption: "The first training image", Alt: "An image in false colours"},
}

// settings lists the options for the report.
func (b *book) settings() []report.Setting {
	var list []report.Setting
	for _, o := range b.o.Options() {
		if o.Set() && o.Flag != "data" {
			list = append(list, report.Setting{Key: o.Name(), Value: o.Text()})
		}
	}
	return append(list,
		report.Setting{Key: "embedded",
			Value: fmt.Sprintf("training images 0, %d, %d, ...", b.o.Every, 2*b.o.Every)},
		report.Setting{Key: "latent", Value: run.ProgramVersion})
}
