package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/matrix"
	"latent/internal/progress"
)

// labelled is a matrix with a class for each row.
type labelled struct {
	matrix.Matrix
	labels []int
}

// readLabelled reads the matrix and the labels that two flags name.
func readLabelled(c *cli.Context, input, labels string) (labelled, error) {
	path, err := need(c, labels)
	if err != nil {
		return labelled{}, err
	}
	x, err := matrix.ReadFile(c.String(input))
	if err != nil {
		return labelled{}, err
	}
	l, err := readLabels(path)
	if err == nil && len(l) != x.Rows {
		err = fmt.Errorf("%s has %d labels, %s has %d rows", path, len(l), c.String(input), x.Rows)
	}
	return labelled{x, l}, err
}

// classifiedMatrix is what classify --input prints. The matrix is the training split.
type classifiedMatrix struct {
	Accuracy  ofMatrix  `json:"accuracy"`
	Metric    string    `json:"metric"`
	Clusters  int       `json:"clusters,omitempty"`
	NMI       *ofMatrix `json:"nmi,omitempty"` // of clusters
	ARI       *ofMatrix `json:"ari,omitempty"`
	Confusion [][]int   `json:"confusion,omitempty"` // [label][predicted], of the test split if there is one
	PerClass  []float64 `json:"per_class,omitempty"` // accuracy, of the same split
}

// ofMatrix is one number of the training split, and one of the test split if there is one.
type ofMatrix struct {
	Train float64  `json:"train"`
	Test  *float64 `json:"test,omitempty"`
}

func classifyMatrix(c *cli.Context, metric centroid.Metric) error {
	train, err := readLabelled(c, "input", "labels")
	if err != nil {
		return err
	}
	var test *labelled
	if c.IsSet("test-input") || c.IsSet("test-labels") {
		if _, err := need(c, "test-input"); err != nil {
			return err
		}
		t, err := readLabelled(c, "test-input", "test-labels")
		if err != nil {
			return err
		}
		if t.Cols != train.Cols {
			return fmt.Errorf("%s has %d columns, %s has %d",
				c.String("test-input"), t.Cols, c.String("input"), train.Cols)
		}
		test = &t
	}
	result := classifiedMatrix{Metric: metric.String()}
	if c.IsSet("clusters") {
		err = result.cluster(c, train, test, metric)
	} else {
		err = result.nearest(train, test, metric, c.Bool("confusion"))
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, result)
	}
	return result.print(c.App.Writer)
}

// nearest classifies by the nearest centroid.
func (r *classifiedMatrix) nearest(train labelled, test *labelled, metric centroid.Metric, confusion bool) error {
	centers, err := centroid.Fit(train.Data, train.Rows, train.labels, metric)
	if err != nil {
		return err
	}
	predicted, err := centers.Predict(train.Data, train.Rows)
	if err != nil {
		return err
	}
	r.Accuracy.Train = centroid.Accuracy(predicted, train.labels)
	labels := train.labels
	if test != nil {
		if predicted, err = centers.Predict(test.Data, test.Rows); err != nil {
			return err
		}
		labels = test.labels
		accuracy := centroid.Accuracy(predicted, labels)
		r.Accuracy.Test = &accuracy
	}
	if confusion {
		classes := max(slices.Max(labels), slices.Max(predicted)) + 1
		if least := min(slices.Min(labels), slices.Min(predicted)); least < 0 || classes > 1000 {
			return fmt.Errorf("--confusion counts classes 0 to 999, these are %d to %d", least, classes-1)
		}
		r.Confusion = centroid.Confusion(predicted, labels, classes)
		r.PerClass = perClass(r.Confusion)
	}
	return nil
}

// cluster finds clusters and scores them by the labels.
func (r *classifiedMatrix) cluster(c *cli.Context, train labelled, test *labelled, metric centroid.Metric) error {
	d := display(c)
	defer d.Done()
	o := centroid.DefaultKMeansOptions()
	o.K, o.Metric, o.Seed = c.Int("clusters"), metric, c.Uint64("seed")
	o.Progress = func(start, iteration int) {
		d.Update(progress.Status{Label: "k-means", Unit: "starts", Done: start, Total: o.Starts,
			Tail: fmt.Sprint("iteration ", iteration)})
	}
	k, err := centroid.KMeans(c.Context, train.Data, train.Rows, o)
	if err != nil {
		return err
	}
	names, accuracy := centroid.Match(k.Labels, train.labels)
	r.Clusters, r.Accuracy.Train = o.K, accuracy
	r.NMI = &ofMatrix{Train: centroid.NMI(k.Labels, train.labels)}
	r.ARI = &ofMatrix{Train: centroid.ARI(k.Labels, train.labels)}
	if test == nil {
		return nil
	}
	found, err := k.Centroids.Predict(test.Data, test.Rows)
	if err != nil {
		return err
	}
	right := matched(found, test.labels, names)
	nmi, ari := centroid.NMI(found, test.labels), centroid.ARI(found, test.labels)
	r.Accuracy.Test, r.NMI.Test, r.ARI.Test = &right, &nmi, &ari
	return nil
}

// matched is how many clusters, under the names that the training split gave them, have
// the label's.
func matched(clusters, labels []int, names map[int]int) float64 {
	right := 0
	for i, cluster := range clusters {
		if name, ok := names[cluster]; ok && name == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

func (r *classifiedMatrix) print(w io.Writer) error {
	row := func(title string, m *ofMatrix, text func(float64) string) []string {
		cells := []string{title, text(m.Train)}
		if m.Test != nil {
			cells = append(cells, text(*m.Test))
		}
		return cells
	}
	number := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	title := "nearest centroid, " + r.Metric
	if r.Clusters > 0 {
		title = fmt.Sprintf("%d clusters, %s", r.Clusters, r.Metric)
	}
	rows := [][]string{{title, "train"}, row("accuracy", &r.Accuracy, percent)}
	if r.Accuracy.Test != nil {
		rows[0] = append(rows[0], "test")
	}
	if r.NMI != nil {
		rows = append(rows, row("NMI", r.NMI, number), row("ARI", r.ARI, number))
	}
	if err := table(w, rows); err != nil || r.Confusion == nil {
		return err
	}
	fmt.Fprintln(w)
	return printConfusion(w, "", r.Confusion, r.PerClass)
}
