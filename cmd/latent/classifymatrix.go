package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/train"
)

// labelled is a matrix with a class for each row.
type labelled struct {
	matrix.Matrix
	labels []int
}

// labelledRows are the rows of a split whose class is known, with the numbers that labels
// stand for where they are all numbers, and else with those of the classes.
func labelledRows(s *dataset.Split, classes []string) (labelled, error) {
	if s.Labels == nil {
		return labelled{}, errors.New("no label is known")
	}
	names := make([]int, len(classes))
	numbers := true
	for i, name := range classes {
		var err error
		names[i], err = strconv.Atoi(name)
		numbers = numbers && err == nil
	}
	x, width := s.Floats(), s.Width()
	l := labelled{Matrix: matrix.Matrix{Cols: width}}
	for i, class := range s.Labels {
		if class == dataset.Unknown {
			continue
		}
		if numbers {
			class = names[class]
		}
		copy(x[l.Rows*width:], x[i*width:(i+1)*width])
		l.labels = append(l.labels, class)
		l.Rows++
	}
	l.Data = x[:l.Rows*width]
	return l, nil
}

// readLabelled reads the rows, the test rows and the labels that the call names.
func readLabelled(c *cli.Context, own train.OwnData) (rows labelled, test *labelled, err error) {
	d := display(c)
	defer d.Done()
	if own.Scale == "" {
		own.Scale = dataset.ScaleNone
	}
	if own.TestInput == "" {
		x, classes, scaleErr := own.ReadAlone(c.Context, d)
		if scaleErr != nil {
			return rows, nil, scaleErr
		}
		rows, err = labelledRows(x, classes)
		return rows, nil, err
	}
	data, err := own.Open(c.Context, d)
	if err != nil {
		return rows, nil, err
	}
	if rows, err = labelledRows(data.Train, data.Classes); err != nil {
		return rows, nil, err
	}
	t, err := labelledRows(data.Test, data.Classes)
	return rows, &t, err
}

// classifiedMatrix is what classify --input prints. The matrix is the training split.
type classifiedMatrix struct {
	Accuracy ofMatrix  `json:"accuracy"`
	Method   string    `json:"method,omitempty"`
	Metric   string    `json:"metric"`
	Others   []variant `json:"variants,omitempty"` // of the method, beside that of Accuracy
	Clusters int       `json:"clusters,omitempty"`
	Proposed *float64  `json:"silhouette_of_proposal,omitempty"` // with --clusters auto
	NMI      *ofMatrix `json:"nmi,omitempty"`                    // of clusters
	ARI      *ofMatrix `json:"ari,omitempty"`
	// [label][predicted], of the test split if there is one
	Confusion [][]int   `json:"confusion,omitempty"`
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

func classifyMatrix(c *cli.Context, own train.OwnData, metric centroid.Metric) error {
	info, err := os.Stat(own.Input)
	folder := err == nil && info.IsDir()
	switch {
	case own.Labels == "" && own.LabelColumn == "" && !folder:
		return usagef("%s needs --labels or --label-column (see %[1]s --help)", c.Command.HelpName)
	case own.TestLabels != "" && own.TestInput == "":
		return usagef("--test-labels goes with --test-input")
	case own.TestInput != "" && own.TestLabels == "" && own.LabelColumn == "" && !folder:
		return usagef("--test-input needs --test-labels")
	}
	training, test, err := readLabelled(c, own)
	if err != nil {
		return err
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
func (r *classifiedMatrix) classify(c *cli.Context, training labelled, test *labelled,
	metric centroid.Metric) error {
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
		return fmt.Errorf("--confusion counts classes 0 to 999, these are %d to %d", least,
			classes-1)
	}
	r.Confusion = centroid.Confusion(predicted, labels, classes)
	r.PerClass = perClass(r.Confusion)
	r.ClassScores = classScores(predicted, labels, nil)
	return nil
}

// cluster finds clusters and scores them by the labels.
func (r *classifiedMatrix) cluster(c *cli.Context, training labelled, test *labelled,
	metric centroid.Metric) error {
	d := display(c)
	defer d.Done()
	o := centroid.DefaultKMeansOptions()
	o.Metric, o.Seed = metric, c.Uint64("seed")
	proposed, err := setClusters(c, training.Data, training.Rows, &o)
	if err != nil {
		return err
	}
	r.Proposed = proposed
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
		title = clustersTitle(r.Clusters, r.Metric, r.Proposed)
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
