package notebook

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"latent/internal/atomicfile"
	"latent/internal/matrix"
	"latent/internal/run"
	"latent/tsne"
)

// Options of the whole notebook. The Config is that of the contrastive model; the
// reconstruction model's is the same without the contrastive loss. With
// Contrastive "none" there is no second model.
type Options struct {
	Config
	Every   int    // each so many-th training image is embedded, at least 1
	Command string // the call, for the report
}

// DefaultOptions are the notebook's.
func DefaultOptions() Options {
	o := Options{Config: DefaultConfig(), Every: 3}
	o.ExtraLoss = NewExtraLoss("notebook")
	return o
}

// Validate names the first option out of range.
func (o Options) Validate() error {
	if o.Every < 1 {
		return fmt.Errorf("every must be at least 1, got %d", o.Every)
	}
	return o.Config.Validate()
}

// Run does what is not finished yet of the notebook in the folder dir, and returns
// its metrics. When ctx ends, the next Run goes on where this one stopped.
func Run(ctx context.Context, dir string, o Options, r Reporter) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	if _, err := os.Lstat(filepath.Join(dir, run.ConfigFile)); err == nil {
		return Result{}, fmt.Errorf("%s is the run folder of one model: choose another folder", dir)
	}
	folder, err := run.Create(dir)
	if err != nil {
		return Result{}, err
	}
	defer folder.Close()
	for _, sub := range []string{stagesDir, "tsne", "figures"} {
		if err := os.MkdirAll(folder.Path(sub), 0o777); err != nil {
			return Result{}, err
		}
		if err := atomicfile.RemoveStale(folder.Path(sub)); err != nil {
			return Result{}, err
		}
	}
	b := &book{dir: dir, o: o, folder: folder, report: r, records: map[string]*record{},
		latents: map[string]Space{}, embeddings: map[string]matrix.Matrix{}, predicted: map[string]Classified{}}
	if err := b.work(ctx); err != nil {
		return Result{}, err
	}
	m, err := run.ReadMetrics(dir)
	if err != nil || o.Contrastive == "none" {
		return Result{Metrics: m}, err
	}
	classified, err := results[measured](b, "classify")
	return Result{Metrics: m, Cosine: classified.Cosine}, err
}

// book is a notebook at work, and what it holds in memory from stage to stage.
type book struct {
	dir    string
	o      Options
	folder *run.Folder
	report Reporter

	records    map[string]*record // of finished stages
	data       *Data
	latents    map[string]Space
	embeddings map[string]matrix.Matrix
	predicted  map[string]Classified // by space and metric
}

// work runs the stages that are not finished, in order.
func (b *book) work(ctx context.Context) error {
	stages, err := b.stages()
	if err != nil {
		return err
	}
	total, kept := len(stages)+1, 0 // the data are the first
	for i, s := range stages {
		want, err := s.expected(b.records)
		if err != nil {
			return err
		}
		have, why := s.check(b.dir, want)
		if have != nil {
			b.records[s.name] = have
			kept++
			continue
		}
		if b.data == nil {
			if err := b.open(ctx, total); err != nil {
				return err
			}
		}
		label := fmt.Sprintf("[%d/%d] %s", i+2, total, s.name)
		if why != "" {
			b.report.Printf("%s is not up to date: %s", label, why)
		}
		done, err := s.do(ctx, b.dir, label, want)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		b.records[s.name] = done
	}
	if kept == len(stages) {
		b.report.Printf("%s is finished: nothing to do", b.dir)
	}
	return nil
}

// open reads the dataset, the first stage, when another needs it.
func (b *book) open(ctx context.Context, total int) error {
	label := fmt.Sprintf("[1/%d] data", total)
	d, err := OpenData(ctx, b.o.Data, b.o.Dataset, b.o.Limit, b.report)
	if err != nil {
		return err
	}
	b.report.Printf("%s  %s, %d training and %d test images", label, d.Name, d.Train.N, d.Test.N)
	b.data = d
	return nil
}

// models are the spaces of the trained models.
func (b *book) models() []Config {
	plain := b.o.Config
	plain.ExtraLoss = ExtraLoss{Contrastive: "none"}
	if b.o.Contrastive == "none" {
		return []Config{plain}
	}
	return []Config{plain, b.o.Config}
}

func (b *book) spaces() []string {
	names := []string{"original"}
	for _, c := range b.models() {
		names = append(names, c.Space())
	}
	return names
}

// stages lists all stages but the data. Each comes after its inputs.
func (b *book) stages() ([]stage, error) {
	var list []stage
	var trained, embedded []string
	base := map[string]any{"dataset": b.o.Dataset, "limit": b.o.Limit}
	for _, c := range b.models() {
		options, err := c.numbers()
		if err != nil {
			return nil, err
		}
		space := c.Space()
		s := stage{name: "train " + space, options: options, run: b.train(c)}
		for _, file := range []string{run.ConfigFile, checkpointFile, modelFile, run.LossesFile, run.MetricsFile, "loss.png", "loss.svg"} {
			s.outputs = append(s.outputs, filepath.Join(space, file))
		}
		list, trained = append(list, s), append(trained, s.name)
	}
	list = append(list, stage{name: "classify", options: base, inputs: trained, run: b.classify})

	points := map[string]any{"dataset": b.o.Dataset, "limit": b.o.Limit, "every": b.o.Every}
	for i, space := range b.spaces() {
		s := stage{name: "t-SNE " + space, options: points, outputs: []string{filepath.Join("tsne", space+".npy")}, run: b.embed(space)}
		if i == 0 {
			s.outputs = append(s.outputs, filepath.Join("tsne", "labels.npy"))
		} else {
			s.inputs = []string{trained[i-1]}
		}
		list, embedded = append(list, s), append(embedded, s.name)
	}
	all := append(append([]string{}, trained...), embedded...)
	list = append(list,
		stage{name: "figures", options: base, inputs: all, outputs: b.figureFiles(), run: b.drawFigures},
		stage{name: "report", options: base, inputs: append(all, "classify", "figures"),
			outputs: []string{run.MetricsFile, "report.html"}, run: b.writeReport},
	)
	return list, nil
}

// numbers are the options that a trained model depends on.
func (c Config) numbers() (map[string]any, error) {
	var fields map[string]any
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range mayChange {
		if name != "epochs" {
			delete(fields, name)
		}
	}
	if c.Init != "" {
		if fields["init"], err = fileSum(c.Init); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// space returns the latents of a trained model.
func (b *book) space(ctx context.Context, name string) (Space, error) {
	if s, ok := b.latents[name]; ok {
		return s, nil
	}
	m, err := OpenModel(b.folder.Path(name), b.o.Device, b.o.Threads)
	if err != nil {
		return Space{}, err
	}
	s, err := Latents(ctx, name, m.AutoEncoder, b.data)
	if err == nil {
		b.latents[name] = s
	}
	return s, err
}

// embed embeds each so many-th training image of a space (cells 5 and 10), with
// the notebook's random_state=3.
func (b *book) embed(name string) func(context.Context, string) (any, error) {
	return func(ctx context.Context, label string) (any, error) {
		train := b.data.Train
		var x matrix.Matrix
		if name == "original" {
			x = matrix.Matrix{Data: train.Floats(), Rows: train.N, Cols: train.Rows * train.Cols}.Every(b.o.Every)
			if err := matrix.WriteLabels(b.folder.Path("tsne/labels.npy"), b.labels()); err != nil {
				return nil, err
			}
		} else {
			s, err := b.space(ctx, name)
			if err != nil {
				return nil, err
			}
			x = matrix.Matrix{Data: s.Train, Rows: train.N, Cols: len(s.Train) / train.N}.Every(b.o.Every)
		}
		o := tsne.DefaultOptions()
		o.Seed, o.Threads, o.Progress = 3, b.o.Threads, ShowTSNE(b.report, label)
		o.Neighbors = Neighbors(o.Threads)
		e, err := tsne.Fit(ctx, x.Data, x.Rows, o)
		if err != nil {
			return nil, err
		}
		y := matrix.Matrix{Data: e.Y, Rows: e.N, Cols: e.Components}
		b.embeddings[name] = y
		return run.TSNE{KL: e.KL, Iterations: e.Iterations, Seconds: e.Seconds},
			matrix.WriteFile(b.folder.Path("tsne/"+name+".npy"), y)
	}
}

// embedding returns a finished embedding.
func (b *book) embedding(name string) (matrix.Matrix, error) {
	if y, ok := b.embeddings[name]; ok {
		return y, nil
	}
	y, err := matrix.ReadFile(b.folder.Path("tsne/" + name + ".npy"))
	if err == nil {
		b.embeddings[name] = y
	}
	return y, err
}

// labels are those of the embedded images.
func (b *book) labels() []int { return matrix.Every(b.data.Train.Labels, 1, b.o.Every) }
