package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/internal/run"
)

func classifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "classify",
		Usage: "accuracy of the nearest centroid, in pixels and in latent space",
		Description: `Takes the mean of each class of the training images as its centre and gives every image the class
of the nearest one, in the pixels and in the model's latent space.

With --clusters the centres are found without labels, by k-means; labels then only name the
clusters (Hungarian method) to score them.

    latent classify --run runs/a
    latent classify --run runs/a --metric cosine --confusion
    latent classify --run runs/a --clusters 10`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "metric", Value: "euclidean", Usage: "euclidean or cosine"},
			&cli.BoolFlag{Name: "confusion", Usage: "also count classes taken for each other, on the test split", DisableDefaultText: true},
			&cli.IntFlag{Name: "clusters", Usage: "find `K` clusters by k-means instead", DefaultText: "use labels"},
			&cli.Uint64Flag{Name: "seed", Usage: "of k-means"},
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
		return usagef("--confusion is about labels; it cannot be used with --clusters")
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
	latents, err := notebook.Latents(c.Context, "latent", m.AutoEncoder, data)
	if err != nil {
		return err
	}
	spaces := []notebook.Space{notebook.Pixels(data), latents}
	if c.IsSet("clusters") {
		return clusters(c, spaces, data, metric, d)
	}
	result := classified{Metric: metric.String(), Accuracy: map[string]run.Splits{}, classes: map[string]notebook.Classified{}}
	for _, s := range spaces {
		got, err := notebook.NearestCentroid(s, data, metric)
		if err != nil {
			return err
		}
		result.add(s.Name, got, data, c.Bool("confusion"))
	}
	if m.Config.Contrastive != "none" && !c.IsSet("metric") {
		result.Cosine = map[string]run.Splits{}
		for _, s := range spaces {
			got, err := notebook.NearestCentroid(s, data, centroid.Cosine)
			if err != nil {
				return err
			}
			result.Cosine[s.Name] = got.Accuracy
		}
	}
	if c.Bool("json") {
		return printJSON(c, result)
	}
	return result.print(c.App.Writer)
}

// classified is what classify prints.
type classified struct {
	Accuracy  map[string]run.Splits `json:"accuracy"`
	Metric    string                `json:"metric"`
	Cosine    map[string]run.Splits `json:"accuracy_cosine,omitempty"`
	Confusion map[string][][]int    `json:"confusion,omitempty"` // [label][predicted], test split
	PerClass  map[string][]float64  `json:"per_class,omitempty"` // accuracy, test split

	classes map[string]notebook.Classified
}

func (r *classified) add(space string, got notebook.Classified, d *notebook.Data, confusion bool) {
	r.Accuracy[space], r.classes[space] = got.Accuracy, got
	if !confusion {
		return
	}
	if r.Confusion == nil {
		r.Confusion, r.PerClass = map[string][][]int{}, map[string][]float64{}
	}
	counts := centroid.Confusion(got.Test, d.Test.Labels, 10)
	r.Confusion[space] = counts
	for class, row := range counts {
		total := 0
		for _, n := range row {
			total += n
		}
		r.PerClass[space] = append(r.PerClass[space], float64(row[class])/float64(max(total, 1)))
	}
}

func (r *classified) print(w io.Writer) error {
	if err := table(w, accuracyRows("nearest centroid, "+r.Metric, r.Accuracy)); err != nil {
		return err
	}
	if r.Cosine != nil {
		fmt.Fprintln(w)
		if err := table(w, accuracyRows("nearest centroid, cosine", r.Cosine)); err != nil {
			return err
		}
	}
	for _, space := range []string{"original", "latent"} {
		counts, ok := r.Confusion[space]
		if !ok {
			continue
		}
		head := []string{space + ", test"}
		rows := [][]string{head}
		for class, row := range counts {
			rows[0] = append(rows[0], fmt.Sprint("-> ", class))
			cells := []string{fmt.Sprint(class)}
			for _, n := range row {
				cells = append(cells, fmt.Sprint(n))
			}
			rows = append(rows, append(cells, percent(r.PerClass[space][class])))
		}
		rows[0] = append(rows[0], "right")
		fmt.Fprintln(w)
		if err := table(w, rows); err != nil {
			return err
		}
	}
	return nil
}

// scores say how well clusters match labels.
type scores struct {
	Accuracy run.Splits `json:"accuracy"` // clusters named by the Hungarian method on the training split
	NMI      run.Splits `json:"nmi"`
	ARI      run.Splits `json:"ari"`
}

func clusters(c *cli.Context, spaces []notebook.Space, d *notebook.Data, metric centroid.Metric, show *progress.Display) error {
	o := centroid.DefaultKMeansOptions()
	o.K, o.Metric, o.Seed = c.Int("clusters"), metric, c.Uint64("seed")
	found := map[string]scores{}
	for _, s := range spaces {
		o.Progress = func(start, iteration int) {
			show.Update(progress.Status{Label: "k-means, " + s.Name, Unit: "starts", Done: start, Total: o.Starts,
				Tail: fmt.Sprint("iteration ", iteration)})
		}
		k, err := centroid.KMeans(c.Context, s.Train, d.Train.N, o)
		if err != nil {
			return err
		}
		test, err := k.Centroids.Predict(s.Test, d.Test.N)
		if err != nil {
			return err
		}
		names, accuracy := centroid.Match(k.Labels, d.Train.Labels)
		right := 0
		for i, cluster := range test {
			if label, ok := names[cluster]; ok && label == d.Test.Labels[i] {
				right++
			}
		}
		found[s.Name] = scores{
			Accuracy: run.Splits{Train: accuracy, Test: float64(right) / float64(d.Test.N)},
			NMI:      run.Splits{Train: centroid.NMI(k.Labels, d.Train.Labels), Test: centroid.NMI(test, d.Test.Labels)},
			ARI:      run.Splits{Train: centroid.ARI(k.Labels, d.Train.Labels), Test: centroid.ARI(test, d.Test.Labels)},
		}
	}
	show.Done()
	if c.Bool("json") {
		return printJSON(c, map[string]any{"clusters": o.K, "metric": metric.String(), "seed": o.Seed, "scores": found,
			"accuracy": map[string]run.Splits{"original": found["original"].Accuracy, "latent": found["latent"].Accuracy}})
	}
	rows := [][]string{{fmt.Sprintf("%d clusters, %s", o.K, metric), "accuracy train", "test", "NMI train", "test", "ARI train", "test"}}
	for _, space := range []string{"original", "latent"} {
		s := found[space]
		rows = append(rows, []string{space, percent(s.Accuracy.Train), percent(s.Accuracy.Test),
			fmt.Sprintf("%.4f", s.NMI.Train), fmt.Sprintf("%.4f", s.NMI.Test), fmt.Sprintf("%.4f", s.ARI.Train), fmt.Sprintf("%.4f", s.ARI.Test)})
	}
	return table(c.App.Writer, rows)
}
