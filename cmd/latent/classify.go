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

func classifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "classify",
		Usage: "accuracy of the nearest centroid in pixel and latent space",
		Description: `Computes the mean of each class over the training images and assigns every image to the class with
the nearest mean, in pixel space and in the model's latent space.

With --clusters the centres are found by k-means, without labels. Labels are then only used to
score the clusters, matched one to one by the Hungarian method.

    latent classify --run runs/a
    latent classify --run runs/a --metric cosine --confusion
    latent classify --run runs/a --clusters 10`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "metric", Value: "euclidean", Usage: "distance to a centroid: euclidean or cosine"},
			&cli.BoolFlag{Name: "confusion", Usage: "also print the confusion matrix of the test split", DisableDefaultText: true},
			&cli.IntFlag{Name: "clusters", Usage: "find `K` clusters by k-means instead of using labels", DefaultText: "use labels"},
			&cli.Uint64Flag{Name: "seed", Usage: "random seed for k-means"},
			jsonFlag(),
		}, modelFlags()...),
		Action: classify,
	}
}

func classify(c *cli.Context) error {
	metric, err := centroid.ParseMetric(c.String("metric"))
	if err != nil {
		return usageError{err}
	}
	if c.IsSet("clusters") && c.Int("clusters") < 1 {
		return usagef("--clusters must be at least 1, got %d", c.Int("clusters"))
	}
	if c.IsSet("clusters") && c.Bool("confusion") {
		return usagef("--confusion needs labels; it cannot be combined with --clusters")
	}
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

// perClass is the accuracy of each class, from [label][predicted].
func perClass(counts [][]int) []float64 {
	var right []float64
	for class, row := range counts {
		total := 0
		for _, n := range row {
			total += n
		}
		right = append(right, float64(row[class])/float64(max(total, 1)))
	}
	return right
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
	if err := printConfusion(w, "original", r.Confusion.Original, r.PerClass.Original); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printConfusion(w, "latent", r.Confusion.Latent, r.PerClass.Latent)
}

func printBoth(w io.Writer, title string, b both[run.Splits]) error {
	return table(w, [][]string{{title, "train", "test"},
		splitsRow("original", b.Original), splitsRow("latent", b.Latent)})
}

func printConfusion(w io.Writer, space string, counts [][]int, right []float64) error {
	rows := [][]string{{space + ", test"}}
	for class, row := range counts {
		rows[0] = append(rows[0], fmt.Sprint("-> ", class))
		cells := []string{fmt.Sprint(class)}
		for _, n := range row {
			cells = append(cells, fmt.Sprint(n))
		}
		rows = append(rows, append(cells, percent(right[class])))
	}
	rows[0] = append(rows[0], "right")
	return table(w, rows)
}

// scores say how well clusters match labels.
type scores struct {
	Accuracy run.Splits `json:"accuracy"` // clusters named by the Hungarian method on the training split
	NMI      run.Splits `json:"nmi"`
	ARI      run.Splits `json:"ari"`
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
		right := 0
		for i, cluster := range test {
			if label, ok := names[cluster]; ok && label == d.Test.Labels[i] {
				right++
			}
		}
		return scores{
			Accuracy: run.Splits{Train: accuracy, Test: float64(right) / float64(d.Test.N)},
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
