package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/train"
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
	Method    string    `json:"method,omitempty"`
	Metric    string    `json:"metric"`
	Others    []variant `json:"variants,omitempty"` // of the method, beside that of Accuracy
	Clusters  int       `json:"clusters,omitempty"`
	NMI       *ofMatrix `json:"nmi,omitempty"` // of clusters
	ARI       *ofMatrix `json:"ari,omitempty"`
	Confusion [][]int   `json:"confusion,omitempty"` // [label][predicted], of the test split if there is one
	PerClass  []float64 `json:"per_class,omitempty"` // accuracy, of the same split
	// ClassScores are of the same split too.
	ClassScores []classScore `json:"class_scores,omitempty"`
	Silhouette  *float64     `json:"silhouette,omitempty"`

	name string // of the method
}

// variant is one of several classifiers of a method.
type variant struct {
	Name     string   `json:"name"`
	Accuracy ofMatrix `json:"accuracy"`
}

// ofMatrix is one number of the training split, and one of the test split if there is one.
type ofMatrix struct {
	Train float64  `json:"train"`
	Test  *float64 `json:"test,omitempty"`
}

func classifyMatrix(c *cli.Context, metric centroid.Metric) error {
	training, err := readLabelled(c, "input", "labels")
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
		if t.Cols != training.Cols {
			return fmt.Errorf("%s has %d columns, %s has %d",
				c.String("test-input"), t.Cols, c.String("input"), training.Cols)
		}
		test = &t
	}
	result := classifiedMatrix{Metric: metric.String()}
	if c.IsSet("clusters") {
		err = result.cluster(c, training, test, metric)
	} else {
		err = result.classify(c, training, test, metric)
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, result)
	}
	return result.print(c.App.Writer)
}

// rows are the matrix as package train classifies it; of nil there are none.
func (l *labelled) rows() train.Rows {
	if l == nil {
		return train.Rows{}
	}
	return train.Rows{X: l.Data, N: l.Rows, Labels: l.labels}
}

// classify classifies by --method.
func (r *classifiedMatrix) classify(c *cli.Context, training labelled, test *labelled, metric centroid.Metric) error {
	d := display(c)
	defer d.Done()
	how := classifier(c, metric, d)
	how.Label = "classify"
	list, err := how.Classify(c.Context, training.rows(), test.rows())
	if err != nil {
		return err
	}
	r.Method = how.Method
	scored := &training
	if test != nil {
		scored = test
	}
	for i, p := range list {
		a := ofMatrix{Train: centroid.Accuracy(p.Train, training.labels)}
		if test != nil {
			right := centroid.Accuracy(p.Test, test.labels)
			a.Test = &right
		}
		if i == 0 {
			r.Accuracy, r.name = a, p.Name
		} else {
			r.Others = append(r.Others, variant{p.Name, a})
		}
	}
	if c.Bool("silhouette") {
		value, _, err := train.Silhouette(scored.rows(), metric)
		if err != nil {
			return err
		}
		r.Silhouette = &value
	}
	if !c.Bool("confusion") {
		return nil
	}
	predicted := list[0].Train
	if test != nil {
		predicted = list[0].Test
	}
	labels := scored.labels
	classes := max(slices.Max(labels), slices.Max(predicted)) + 1
	if least := min(slices.Min(labels), slices.Min(predicted)); least < 0 || classes > 1000 {
		return fmt.Errorf("--confusion counts classes 0 to 999, these are %d to %d", least, classes-1)
	}
	r.Confusion = centroid.Confusion(predicted, labels, classes)
	r.PerClass = perClass(r.Confusion)
	r.ClassScores = classScores(predicted, labels, nil)
	return nil
}

// cluster finds clusters and scores them by the labels.
func (r *classifiedMatrix) cluster(c *cli.Context, training labelled, test *labelled, metric centroid.Metric) error {
	d := display(c)
	defer d.Done()
	o := centroid.DefaultKMeansOptions()
	o.K, o.Metric, o.Seed = c.Int("clusters"), metric, c.Uint64("seed")
	o.Progress = func(start, iteration int) {
		d.Update(progress.Status{Label: "k-means", Unit: "starts", Done: start, Total: o.Starts,
			Tail: fmt.Sprint("iteration ", iteration)})
	}
	k, err := centroid.KMeans(c.Context, training.Data, training.Rows, o)
	if err != nil {
		return err
	}
	names, accuracy := centroid.Match(k.Labels, training.labels)
	r.Clusters, r.Accuracy.Train = o.K, accuracy
	r.NMI = &ofMatrix{Train: centroid.NMI(k.Labels, training.labels)}
	r.ARI = &ofMatrix{Train: centroid.ARI(k.Labels, training.labels)}
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
	title := methodTitle(r.name)
	if r.Clusters > 0 {
		title = fmt.Sprintf("%d clusters, %s", r.Clusters, r.Metric)
	}
	rows := [][]string{{title, "train"}, row("accuracy", &r.Accuracy, percent)}
	if r.Accuracy.Test != nil {
		rows[0] = append(rows[0], "test")
	}
	for _, v := range r.Others {
		rows = append(rows, row(v.Name, &v.Accuracy, percent))
	}
	if r.Silhouette != nil {
		rows = append(rows, []string{"silhouette", number(*r.Silhouette)})
		if r.Accuracy.Test != nil {
			rows[len(rows)-1] = []string{"silhouette", "", number(*r.Silhouette)}
		}
	}
	if r.NMI != nil {
		rows = append(rows, row("NMI", r.NMI, number), row("ARI", r.ARI, number))
	}
	if err := table(w, rows); err != nil || r.Confusion == nil {
		return err
	}
	fmt.Fprintln(w)
	return printConfusion(w, "", r.Confusion, r.ClassScores)
}
