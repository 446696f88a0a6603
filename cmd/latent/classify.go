package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/run"
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
    latent classify --run runs/a --clusters 10
    latent classify --input z.npy --labels labels.npy --test-input zt.npy --test-labels lt.npy`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "classify the rows of the matrix `X.npy` or X.csv instead of a run's images"},
			&cli.StringFlag{Name: "labels", Usage: "classes of the rows of --input: `L.npy`, or an IDX file"},
			&cli.StringFlag{Name: "test-input", Usage: "classify the rows of `X.npy` or X.csv too, by the centres of --input"},
			&cli.StringFlag{Name: "test-labels", Usage: "classes of the rows of --test-input: `L.npy`, or an IDX file"},
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
	for _, name := range []string{"labels", "test-input", "test-labels"} {
		if c.IsSet(name) && !c.IsSet("input") {
			return usagef("--%s goes with --input", name)
		}
	}
	switch {
	case !c.IsSet("input"):
		return classifyRun(c, metric)
	case c.IsSet("run"):
		return usagef("latent classify takes either --run or --input")
	}
	return classifyMatrix(c, metric)
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

func printConfusion(w io.Writer, space string, counts [][]int, right []float64) error {
	rows := [][]string{{space}}
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
