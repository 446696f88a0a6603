//go:build linux && cgo

package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/train"
)

// classifyRun classifies the images of a run, in pixels and in latent space.
func classifyRun(c *cli.Context, metric centroid.Metric) error {
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
	latents, err := train.Latents(c.Context, m.Config.Space(), m.AutoEncoder, data)
	if err != nil {
		return err
	}
	spaces := both[train.Space]{Latent: latents, Original: train.Pixels(data)}
	if c.IsSet("clusters") {
		return clusters(c, spaces, data, metric, d)
	}
	result := classified{Metric: metric.String()}
	predicted, err := nearest(spaces, data, metric)
	if err != nil {
		return err
	}
	result.Accuracy = accuracies(predicted)
	if c.Bool("confusion") {
		result.Confusion = &both[[][]int]{confusion(predicted.Latent, data), confusion(predicted.Original, data)}
		result.PerClass = &both[[]float64]{perClass(result.Confusion.Latent), perClass(result.Confusion.Original)}
	}
	if m.Config.Contrastive != "none" && !c.IsSet("metric") {
		byCosine, err := nearest(spaces, data, centroid.Cosine)
		if err != nil {
			return err
		}
		cosine := accuracies(byCosine)
		result.Cosine = &cosine
	}
	if c.Bool("json") {
		return printJSON(c, result)
	}
	return result.print(c.App.Writer)
}

// both is something of the pixels and of the model's latents.
type both[T any] struct {
	Latent   T `json:"latent"`
	Original T `json:"original"`
}

// classified is what classify prints.
type classified struct {
	Accuracy  both[run.Splits]  `json:"accuracy"`
	Metric    string            `json:"metric"`
	Cosine    *both[run.Splits] `json:"accuracy_cosine,omitempty"`
	Confusion *both[[][]int]    `json:"confusion,omitempty"` // [label][predicted], test split
	PerClass  *both[[]float64]  `json:"per_class,omitempty"` // accuracy, test split
}

func nearest(
	spaces both[train.Space], d *train.Data, metric centroid.Metric,
) (b both[train.Classified], err error) {
	if b.Original, err = train.NearestCentroid(spaces.Original, d, metric); err != nil {
		return b, err
	}
	b.Latent, err = train.NearestCentroid(spaces.Latent, d, metric)
	return b, err
}

func accuracies(b both[train.Classified]) both[run.Splits] {
	return both[run.Splits]{Latent: b.Latent.Accuracy, Original: b.Original.Accuracy}
}

func confusion(c train.Classified, d *train.Data) [][]int {
	return centroid.Confusion(c.Test, d.Test.Labels, 10)
}

func (r *classified) print(w io.Writer) error {
	if err := printBoth(w, "nearest centroid, "+r.Metric, r.Accuracy); err != nil {
		return err
	}
	if r.Cosine != nil {
		fmt.Fprintln(w)
		if err := printBoth(w, "nearest centroid, cosine", *r.Cosine); err != nil {
			return err
		}
	}
	if r.Confusion == nil {
		return nil
	}
	fmt.Fprintln(w)
	if err := printConfusion(w, "original, test", r.Confusion.Original, r.PerClass.Original); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printConfusion(w, "latent, test", r.Confusion.Latent, r.PerClass.Latent)
}

func printBoth(w io.Writer, title string, b both[run.Splits]) error {
	return table(w, [][]string{{title, "train", "test"},
		splitsRow("original", b.Original), splitsRow("latent", b.Latent)})
}

// clustered is what classify --clusters prints.
type clustered struct {
	Accuracy both[run.Splits] `json:"accuracy"`
	Clusters int              `json:"clusters"`
	Metric   string           `json:"metric"`
	Scores   both[scores]     `json:"scores"`
	Seed     uint64           `json:"seed"`
}

func clusters(
	c *cli.Context, spaces both[train.Space], d *train.Data, metric centroid.Metric,
	show *progress.Display,
) error {
	o := centroid.DefaultKMeansOptions()
	o.K, o.Metric, o.Seed = c.Int("clusters"), metric, c.Uint64("seed")
	score := func(s train.Space, name string) (scores, error) {
		o.Progress = func(start, iteration int) {
			show.Update(progress.Status{Label: "k-means, " + name, Unit: "starts", Done: start, Total: o.Starts,
				Tail: fmt.Sprint("iteration ", iteration)})
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
			NMI:      run.Splits{Train: centroid.NMI(k.Labels, d.Train.Labels), Test: centroid.NMI(test, d.Test.Labels)},
			ARI:      run.Splits{Train: centroid.ARI(k.Labels, d.Train.Labels), Test: centroid.ARI(test, d.Test.Labels)},
		}, nil
	}
	var found both[scores]
	var err error
	if found.Original, err = score(spaces.Original, "original"); err != nil {
		return err
	}
	if found.Latent, err = score(spaces.Latent, "latent"); err != nil {
		return err
	}
	show.Done()
	if c.Bool("json") {
		return printJSON(c, clustered{Clusters: o.K, Metric: metric.String(), Seed: o.Seed, Scores: found,
			Accuracy: both[run.Splits]{Latent: found.Latent.Accuracy, Original: found.Original.Accuracy}})
	}
	row := func(name string, s scores) []string {
		return []string{name, percent(s.Accuracy.Train), percent(s.Accuracy.Test),
			fmt.Sprintf("%.4f", s.NMI.Train), fmt.Sprintf("%.4f", s.NMI.Test),
			fmt.Sprintf("%.4f", s.ARI.Train), fmt.Sprintf("%.4f", s.ARI.Test)}
	}
	return table(c.App.Writer, [][]string{
		{fmt.Sprintf("%d clusters, %s", o.K, metric),
			"accuracy train", "test", "NMI train", "test", "ARI train", "test"},
		row("original", found.Original), row("latent", found.Latent),
	})
}
