//go:build linux && cgo

package notebook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"latent/autoenc"
	"latent/centroid"
	"latent/internal/atomicfile"
	"latent/internal/figure"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/stage"
	"latent/internal/train"
)

// Options of the whole notebook. The Config is that of the contrastive model; the
// reconstruction model's is the same without the contrastive loss. With
// Contrastive "none" there is no second model.
type Options struct {
	train.Config
	Every   int    // each k-th training image is embedded, at least 1
	Scores  bool   // classify by nearest neighbours and a linear probe too
	Command string // the call, for the report
}

// DefaultOptions are the notebook's.
func DefaultOptions() Options {
	o := Options{Config: train.DefaultConfig(), Every: 3}
	o.ExtraLoss = train.NewExtraLoss("notebook")
	return o
}

// Validate reports the first option out of range.
func (o Options) Validate() error {
	if o.Every < 1 {
		return &autoenc.OptionError{Field: "Every", Value: o.Every, Want: "at least 1"}
	}
	return o.Config.Validate()
}

// book is a notebook at work.
type book struct {
	o      Options
	folder *run.Folder
	report progress.Reporter
	data   *train.Data // nil until a stage needs it

	original, reconstruction, contrastive *space // the last may be nil
	graph                                 *stage.Graph
	classified                            *stage.Stage[measured]
	scored                                *stage.Stage[scores] // nil without Options.Scores
}

// space is one representation of the images, and the stages that make it.
type space struct {
	name     string
	config   train.Config               // of its model; none for the pixels
	trained  *stage.Stage[train.Result] // nil for the pixels
	embedded *stage.Stage[run.TSNE]

	latents   *train.Space // nil until a stage needs them
	predicted map[centroid.Metric]train.Classified
}

// Run does what is not finished yet of the notebook in the folder dir, and returns
// its metrics. When ctx ends, the next Run goes on where this one stopped.
func Run(ctx context.Context, dir string, o Options, r progress.Reporter) (result train.Result,
	err error) {
	if err := o.Validate(); err != nil {
		return train.Result{}, err
	}
	if _, err := os.Lstat(filepath.Join(dir, run.ConfigFile)); err == nil {
		return train.Result{}, fmt.Errorf("%s is the run folder of one model: choose another "+
			"folder",
			dir)
	}
	folder, err := run.Create(dir)
	if err != nil {
		return train.Result{}, err
	}
	defer folder.Close()
	for _, sub := range []string{"tsne", "figures"} {
		if err := os.MkdirAll(folder.Path(sub), 0o777); err != nil {
			return train.Result{}, err
		}
		if err := atomicfile.RemoveStale(folder.Path(sub)); err != nil {
			return train.Result{}, err
		}
	}
	recorder := progress.NewRecorder(r, folder.Path(run.StatusFile), 0)
	defer func() { recorder.Close(err) }()
	b := &book{o: o, folder: folder, report: recorder}
	if o.Input != "" {
		if err := b.open(ctx, "data"); err != nil {
			return train.Result{}, err
		}
		if err := b.openOwn(); err != nil {
			return train.Result{}, err
		}
	}
	if err := b.plan(); err != nil {
		return train.Result{}, err
	}
	done, err := b.graph.Run(ctx, "data", b.open)
	if err != nil {
		return train.Result{}, err
	}
	if done == 0 {
		r.Printf("%s is finished: nothing to do", dir)
	}
	if b.contrastive != nil {
		result.Cosine = b.classified.Result().Cosine
	}
	result.Metrics, err = run.ReadMetrics(dir)
	return result, err
}

// spaces are those that this notebook has, in the report's order.
func (b *book) spaces() []*space {
	return append([]*space{b.original}, b.models()...)
}

// models are the spaces of trained models.
func (b *book) models() []*space {
	if b.contrastive == nil {
		return []*space{b.reconstruction}
	}
	return []*space{b.reconstruction, b.contrastive}
}

// The options of stages other than training, in the order of their records.
type (
	dataOptions struct {
		Dataset string `json:"dataset"`
		Limit   int    `json:"limit"`
		Own     string `json:"own,omitempty"`
	}
	embedOptions struct {
		Dataset string `json:"dataset"`
		Every   int    `json:"every"`
		Limit   int    `json:"limit"`
		Own     string `json:"own,omitempty"`
	}
)

// plan lists the stages, each behind its inputs.
func (b *book) plan() error {
	var err error
	if b.graph, err = stage.New(b.folder.Dir(), b.report.Printf); err != nil {
		return err
	}
	b.original = &space{name: run.Original}
	b.reconstruction = newSpace(b.o.Config, train.ExtraLoss{Contrastive: "none"})
	if b.o.Contrastive != "none" {
		b.contrastive = newSpace(b.o.Config, b.o.ExtraLoss)
	}
	var trained, results []stage.Input
	for _, s := range b.models() {
		spec := stage.Spec{Name: "train " + s.name, Outputs: below(s.name, s.config.Files()...)}
		if spec.Options, err = s.config.Numbers(b.own()); err != nil {
			return err
		}
		s.trained = stage.Add(b.graph, spec, of(s, b.train))
		trained = append(trained, s.trained)
	}
	data := dataOptions{b.o.Dataset, b.o.Limit, b.own()}
	classify := stage.Spec{Name: "classify", Options: data, Inputs: trained}
	b.classified = stage.Add(b.graph, classify, b.classify)

	results = append(results, trained...)
	for _, s := range b.spaces() {
		spec := stage.Spec{Name: "t-SNE " + s.name, Outputs: below("tsne", s.name+".npy"),
			Options: embedOptions{b.o.Dataset, b.o.Every, b.o.Limit, b.own()}}
		if s.trained == nil {
			spec.Outputs = append(spec.Outputs, below("tsne", "labels.npy")...)
		} else {
			spec.Inputs = []stage.Input{s.trained}
		}
		s.embedded = stage.Add(b.graph, spec, of(s, b.embed))
		results = append(results, s.embedded)
	}
	var drawn []string
	for _, name := range b.figures() {
		for _, format := range figure.Formats {
			drawn = append(drawn, name+"."+format)
		}
	}
	figures := stage.Add(b.graph, stage.Spec{Name: "figures", Options: data, Inputs: results,
		Outputs: below("figures", drawn...)}, b.drawFigures)
	if b.o.Scores {
		b.scored = stage.Add(b.graph, stage.Spec{Name: "scores", Options: data, Inputs: trained},
			b.score)
		results = append(results, b.scored)
	}
	stage.Add(b.graph, stage.Spec{Name: "report", Options: data,
		Inputs:  append(results, b.classified, figures),
		Outputs: []string{run.MetricsFile, "report.html"}}, b.writeReport)
	return nil
}

// of is the work of a stage of one space.
func of[T any](s *space, work func(context.Context, string, *space) (T, error)) stage.Work[T] {
	return func(ctx context.Context, label string) (T, error) { return work(ctx, label, s) }
}

func newSpace(c train.Config, loss train.ExtraLoss) *space {
	c.ExtraLoss = loss
	return &space{name: c.Space(), config: c, predicted: map[centroid.Metric]train.Classified{}}
}

// below puts names below a folder.
func below(folder string, names ...string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(folder, name)
	}
	return paths
}

// none is the result of stages that leave files alone.
type none struct{}
