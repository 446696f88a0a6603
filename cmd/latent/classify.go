package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/train"
)

func classifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "classify",
		Usage: "accuracy of a simple classifier in pixel and latent space",
		Description: `Computes the mean of each class over the training images and assigns every image to the class with
the nearest mean, in pixel space and in the model's latent space.

--method knn lets the nearest training images vote: 20 weighted by cosine, as in the evaluations of
SimCLR and DINO, and 1 and 20 with equal votes by --metric. A training image is classified by the
others. --method linear is a multinomial logistic regression, the linear probe; both as scikit-learn.
With --clusters the centres are found by k-means, without labels. Labels are then only used to
score the clusters, matched one to one by the Hungarian method. --clusters auto takes the number of
clusters, of 2 to 20, whose silhouette in the latent space is the largest.

    latent classify --run runs/a
    latent classify --run runs/a --metric cosine --confusion
    latent classify --run runs/a --method linear --keep
    latent classify --run runs/a --clusters 10
    latent classify --run runs/a --clusters auto
    latent classify --run runs/a --input new.csv --label-column kind
    latent classify --input z.npy --labels labels.npy --test-input zt.npy --test-labels lt.npy`,
		Flags: slices.Concat(ownFlags("rows of your own instead of a run's images, or beside "+
			"--run in place of its test images: "+
			"`X`.npy, X.npz:NAME, X.csv, an IDX file, or a folder of pictures",
			"none; the run's with --run",
			"input", "labels", "label-column", "test-input", "test-labels", "scale", "image-size"),
			[]cli.Flag{
				&cli.StringFlag{Name: "method", Value: "centroid",
					Usage: "classifier: " + strings.Join(train.Methods, ", ")},
				&cli.StringFlag{Name: "metric", Value: "euclidean",
					Usage: "distance to a centroid or neighbour: euclidean or cosine"},
				&cli.BoolFlag{Name: "confusion", DisableDefaultText: true,
					Usage: "also print the confusion matrix of the test split, and precision, " +
						"recall and F1 of every class"},
				&cli.BoolFlag{Name: "silhouette", DisableDefaultText: true,
					Usage: "also print the mean silhouette of the classes, by --metric, of at " +
						"most 10,000 test rows"},
				&cli.BoolFlag{Name: "keep", DisableDefaultText: true,
					Usage: "also write the scores into the run's metrics.json, where latent " +
						"report finds them"},
				&cli.StringFlag{Name: "clusters", DefaultText: "use labels",
					Usage: "find `K` clusters by k-means instead of using labels; auto proposes " +
						"2 to 20 by the silhouette"},
				&cli.Uint64Flag{Name: "seed", Usage: "random seed for k-means"},
				jsonFlag(),
			}, modelFlags()),
		Action: classify,
	}
}

func classify(c *cli.Context) error {
	metric, err := centroid.ParseMetric(c.String("metric"))
	if err != nil {
		return usageError{err}
	}
	if text := c.String("clusters"); c.IsSet("clusters") && text != auto {
		if k, err := strconv.Atoi(text); err != nil || k < 1 {
			return usagef("--clusters must be at least 1, or auto, got %q", text)
		}
	}
	if !slices.Contains(train.Methods, c.String("method")) {
		return usagef("unknown method %q: want %s", c.String("method"),
			strings.Join(train.Methods, ", "))
	}
	for _, name := range []string{"confusion", "method", "silhouette", "keep"} {
		if c.IsSet("clusters") && c.IsSet(name) {
			return usagef("--%s needs labels; it cannot be combined with --clusters", name)
		}
	}
	if c.Bool("keep") && !c.IsSet("run") {
		return usagef("--keep goes with --run")
	}
	for _, name := range []string{"labels", "label-column", "test-input", "test-labels", "scale",
		"image-size"} {
		if c.IsSet(name) && !c.IsSet("input") {
			return usagef("--%s goes with --input", name)
		}
	}
	own, err := ownData(c)
	if err != nil {
		return err
	}
	if c.IsSet("run") || !c.IsSet("input") {
		for _, name := range []string{"test-input", "test-labels", "scale"} {
			if c.IsSet(name) {
				return usagef("--%s does not go with --run: --input are test rows there, scaled "+
					"as the run's", name)
			}
		}
		return classifyRun(c, own, metric)
	}
	return classifyMatrix(c, own, metric)
}

const (
	auto         = "auto" // value of --clusters
	mostClusters = 20     // that it proposes
)

// setClusters sets o to the number of clusters that the flag gives, or proposes one for the n
// rows of x. The silhouette is that of a proposal.
func setClusters(c *cli.Context, x []float32, n int,
	o *centroid.KMeansOptions) (silhouette *float64, err error) {
	if text := c.String("clusters"); text != auto {
		o.K, err = strconv.Atoi(text)
		return nil, err
	}
	p, err := centroid.ProposeK(c.Context, x, n, mostClusters, *o)
	if err != nil {
		return nil, err
	}
	o.K = p.K
	return &p.Silhouettes[p.K-2], nil
}

// clustersTitle heads a table of clusters.
func clustersTitle(k int, metric string, silhouette *float64) string {
	title := fmt.Sprintf("%d clusters, %s", k, metric)
	if silhouette != nil {
		title += fmt.Sprintf(" (auto: silhouette %.4f)", *silhouette)
	}
	return title
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

// classScore is a class's scores with its name.
type classScore struct {
	Name string `json:"name"`
	centroid.ClassScore
}

// classScores are the scores of every class, whose names are given from 0 on or are numbers.
func classScores(predicted, labels []int, names []string) []classScore {
	var list []classScore
	for _, s := range centroid.ClassScores(predicted, labels) {
		list = append(list, classScore{className(names, s.Class), s})
	}
	return list
}

func className(names []string, class int) string {
	if class >= 0 && class < len(names) {
		return names[class]
	}
	return fmt.Sprint(class)
}

// printConfusion shows a confusion matrix and the scores of the classes.
func printConfusion(w io.Writer, space string, counts [][]int, scores []classScore) error {
	of := map[int]classScore{}
	for _, s := range scores {
		of[s.Class] = s
	}
	rows := [][]string{{space}}
	for class, row := range counts {
		s, known := of[class]
		if !known {
			s.Name = fmt.Sprint(class)
		}
		rows[0] = append(rows[0], "-> "+s.Name)
		cells := []string{s.Name}
		for _, n := range row {
			cells = append(cells, fmt.Sprint(n))
		}
		rows = append(rows, append(cells, percent(s.Precision), percent(s.Recall), percent(s.F1)))
	}
	rows[0] = append(rows[0], "precision", "recall", "F1")
	return table(w, rows)
}

// classifier is the one that the flags ask for.
func classifier(c *cli.Context, metric centroid.Metric, d *progress.Display) train.Classifier {
	return train.Classifier{Method: c.String("method"), Metric: metric, Report: d,
		Neighbors: notebook.Neighbors(c.Int("threads"))}
}

// methodTitle heads a table of one classifier.
func methodTitle(name string) string {
	if metric, ok := strings.CutPrefix(name, "centroid, "); ok {
		return "nearest centroid, " + metric
	}
	return name
}

// scores say how well clusters match labels.
type scores struct {
	// clusters named by the Hungarian method on the training split
	Accuracy run.Splits `json:"accuracy"`
	NMI      run.Splits `json:"nmi"`
	ARI      run.Splits `json:"ari"`
}
