//go:build linux && cgo

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/train"
)

// classifyRun classifies the images of a run, in pixels and in latent space.
func classifyRun(c *cli.Context, own train.OwnData, metric centroid.Metric) error {
	m, err := openModel(c)
	if err != nil {
		return err
	}
	d := display(c)
	defer d.Done()
	data, err := m.Data(c.Context, d)
	if err != nil {
		return err
	}
	if own.Input != "" {
		if data.Test, err = m.ReadRows(c.Context, own, d); err != nil {
			return err
		}
	}
	if !data.Labelled() {
		return errors.New("there are no labels to classify by (latent encode writes the " +
			"latents, latent tsne maps them)")
	}
	latents, err := train.Latents(c.Context, m.Config.Space(), m.AutoEncoder, data)
	if err != nil {
		return err
	}
	spaces := both[train.Space]{Latent: latents, Original: train.Pixels(data)}
	if c.IsSet("clusters") {
		return clusters(c, spaces, data, metric, d)
	}
	result := classified{Method: c.String("method"), Metric: metric.String()}
	how := classifier(c, metric, d)
	if err := result.classify(c, how, spaces, data, m.Config); err != nil {
		return err
	}
	d.Done()
	if c.Bool("keep") {
		if err := result.keep(c.String("run"), m.Config.Space()); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return printJSON(c, result)
	}
	return result.print(c.App.Writer)
}

// classify fills in what the flags ask for.
func (r *classified) classify(
	c *cli.Context, how train.Classifier, spaces both[train.Space], data *train.Data,
	config train.Config,
) error {
	predictions := func(how train.Classifier) (b both[[]train.Prediction], err error) {
		if b.Original, err = how.ClassifySpace(c.Context, spaces.Original, data); err == nil {
			b.Latent, err = how.ClassifySpace(c.Context, spaces.Latent, data)
		}
		return b, err
	}
	found, err := predictions(how)
	if err != nil {
		return err
	}
	for i := range found.Latent {
		a := both[run.Splits]{Latent: found.Latent[i].Accuracy(data),
			Original: found.Original[i].Accuracy(data)}
		r.list = append(r.list, runVariant{found.Latent[i].Name, a})
	}
	r.Accuracy, r.Others = r.list[0].Accuracy, r.list[1:]
	if c.Bool("confusion") {
		labels := train.Known(data.Test.Labels)
		each := func(p []train.Prediction) ([][]int, []classScore) {
			return centroid.Confusion(p[0].Test, labels, len(data.Classes)), classScores(p[0].Test,
				labels, data.Classes)
		}
		r.Confusion, r.ClassScores = &both[[][]int]{}, &both[[]classScore]{}
		r.Confusion.Latent, r.ClassScores.Latent = each(found.Latent)
		r.Confusion.Original, r.ClassScores.Original = each(found.Original)
		r.PerClass = &both[[]float64]{perClass(r.Confusion.Latent), perClass(r.Confusion.Original)}
	}
	if c.Bool("silhouette") {
		r.Silhouette = &both[float64]{}
		for s, to := range map[*train.Space]*float64{
			&spaces.Latent: &r.Silhouette.Latent, &spaces.Original: &r.Silhouette.Original,
		} {
			rows := train.KnownRows(s.Test, data.Test.Labels)
			if *to, _, err = train.Silhouette(rows, how.Metric); err != nil {
				return err
			}
		}
	}
	if how.Method == "centroid" && config.Contrastive != "none" && !c.IsSet("metric") {
		how.Metric = centroid.Cosine
		byCosine, err := predictions(how)
		if err != nil {
			return err
		}
		r.Cosine = &both[run.Splits]{Latent: byCosine.Latent[0].Accuracy(data),
			Original: byCosine.Original[0].Accuracy(data)}
	}
	return nil
}

// keep writes the scores into the run's metrics.json.
func (r *classified) keep(dir, space string) error {
	folder, err := run.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.UpdateMetrics(func(m *run.Metrics) {
		if m.Scores == nil {
			m.Scores = map[string]map[string]run.Splits{}
		}
		for _, v := range r.list {
			m.Scores[v.Name] = map[string]run.Splits{run.Original: v.Accuracy.Original,
				space: v.Accuracy.Latent}
		}
	})
}

// both is something of the pixels and of the model's latents.
type both[T any] struct {
	Latent   T `json:"latent"`
	Original T `json:"original"`
}

// classified is what classify prints.
type classified struct {
	Accuracy both[run.Splits] `json:"accuracy"`
	Method   string           `json:"method"`
	Metric   string           `json:"metric"`
	// of the method, beside that of Accuracy
	Others     []runVariant      `json:"variants,omitempty"`
	Cosine     *both[run.Splits] `json:"accuracy_cosine,omitempty"`
	Confusion  *both[[][]int]    `json:"confusion,omitempty"` // [label][predicted], test split
	PerClass   *both[[]float64]  `json:"per_class,omitempty"` // accuracy, test split
	Silhouette *both[float64]    `json:"silhouette,omitempty"`
	// ClassScores are of the test split.
	ClassScores *both[[]classScore] `json:"class_scores,omitempty"`

	list []runVariant // that of Accuracy and Others
}

// runVariant is one of several classifiers of a method.
type runVariant struct {
	Name     string           `json:"name"`
	Accuracy both[run.Splits] `json:"accuracy"`
}

func (r *classified) print(w io.Writer) error {
	for i, v := range r.list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := printBoth(w, methodTitle(v.Name), v.Accuracy); err != nil {
			return err
		}
	}
	if r.Cosine != nil {
		fmt.Fprintln(w)
		if err := printBoth(w, "nearest centroid, cosine", *r.Cosine); err != nil {
			return err
		}
	}
	if s := r.Silhouette; s != nil {
		fmt.Fprintln(w)
		if err := table(w,
			[][]string{{"silhouette, " + r.Metric, "test"},
				{"original", fmt.Sprintf("%.4f", s.Original)},
				{"latent", fmt.Sprintf("%.4f", s.Latent)}}); err != nil {
			return err
		}
	}
	if r.Confusion == nil {
		return nil
	}
	fmt.Fprintln(w)
	if err := printConfusion(w, "original, test", r.Confusion.Original,
		r.ClassScores.Original); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printConfusion(w, "latent, test", r.Confusion.Latent, r.ClassScores.Latent)
}

func printBoth(w io.Writer, title string, b both[run.Splits]) error {
	return table(w, [][]string{{title, "train", "test"},
		splitsRow("original", b.Original), splitsRow("latent", b.Latent)})
}

// clustered is what classify --clusters prints.
type clustered struct {
	Accuracy both[run.Splits] `json:"accuracy"`
	Clusters int              `json:"clusters"`
	Proposed *float64         `json:"silhouette_of_proposal,omitempty"` // with --clusters auto
	Metric   string           `json:"metric"`
	Scores   both[scores]     `json:"scores"`
	Seed     uint64           `json:"seed"`
}

func clusters(
	c *cli.Context, spaces both[train.Space], d *train.Data, metric centroid.Metric,
	show *progress.Display,
) error {
	o := centroid.DefaultKMeansOptions()
	o.Metric, o.Seed = metric, c.Uint64("seed")
	proposed, err := setClusters(c, spaces.Latent.Train, d.Train.N, &o)
	if err != nil {
		return err
	}
	score := func(s train.Space, name string) (scores, error) {
		o.Progress = func(start, iteration int) {
			show.Update(progress.Status{Label: "k-means, " + name, Unit: "starts", Done: start,
				Total: o.Starts,
				Tail:  fmt.Sprint("iteration ", iteration)})
		}
		k, err := centroid.KMeans(c.Context, s.Train, d.Train.N, o)
		if err != nil {
			return scores{}, err
		}
		test, err := k.Centroids.Predict(s.Test, d.Test.N)
		if err != nil {
			return scores{}, err
		}
		names, accuracy := centroid.Match(k.Labels, d.Train.Labels)
		return scores{
			Accuracy: run.Splits{Train: accuracy, Test: matched(test, d.Test.Labels, names)},
			NMI: run.Splits{Train: centroid.NMI(k.Labels, d.Train.Labels),
				Test: centroid.NMI(test, d.Test.Labels)},
			ARI: run.Splits{Train: centroid.ARI(k.Labels, d.Train.Labels),
				Test: centroid.ARI(test, d.Test.Labels)},
		}, nil
	}
	var found both[scores]
	if found.Original, err = score(spaces.Original, "original"); err != nil {
		return err
	}
	if found.Latent, err = score(spaces.Latent, "latent"); err != nil {
		return err
	}
	show.Done()
	if c.Bool("json") {
		return printJSON(c,
			clustered{Clusters: o.K, Proposed: proposed, Metric: metric.String(), Seed: o.Seed,
				Scores: found,
				Accuracy: both[run.Splits]{Latent: found.Latent.Accuracy,
					Original: found.Original.Accuracy}})
	}
	row := func(name string, s scores) []string {
		return []string{name, percent(s.Accuracy.Train), percent(s.Accuracy.Test),
			fmt.Sprintf("%.4f", s.NMI.Train), fmt.Sprintf("%.4f", s.NMI.Test),
			fmt.Sprintf("%.4f", s.ARI.Train), fmt.Sprintf("%.4f", s.ARI.Test)}
	}
	return table(c.App.Writer, [][]string{
		{clustersTitle(o.K, metric.String(), proposed),
			"accuracy train", "test", "NMI train", "test", "ARI train", "test"},
		row("original", found.Original), row("latent", found.Latent),
	})
}
