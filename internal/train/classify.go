package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"latent/centroid"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/tsne"
)

// Methods names the classifiers of Classify.
var Methods = []string{"centroid", "knn", "linear"}

// Rows are rows with a class each.
type Rows struct {
	X      []float32 // N x d, row-major
	N      int
	Labels []int
}

// Classifier is how Classify works.
type Classifier struct {
	Method    string          // one of Methods
	Metric    centroid.Metric // of centroid, and of knn's plain votes
	Neighbors tsne.Neighbors  // search of knn; nil: tsne's exact one
	Report    progress.Reporter
	Label     string // what the work is called there
}

// Prediction is what one classifier, fitted to the training rows, says.
type Prediction struct {
	Name  string // such as "linear" and "knn 20, cosine-weighted"
	Train []int  // of knn: by the other training rows
	Test  []int  // nil without test rows
}

// Accuracy is that of what ClassifySpace predicts of the data's classes.
func (p Prediction) Accuracy(d *Data) run.Splits {
	return run.Splits{Train: accuracy(p.Train, Known(d.Train.Labels)),
		Test: accuracy(p.Test, Known(d.Test.Labels))}
}

// Neighbours and temperature of knn, those of the evaluations of SimCLR and DINO.
const (
	neighbors   = 20
	temperature = 0.07
)

// Classify fits a method to the training rows and predicts both splits; test may have no
// rows. Of knn there are several: 1 and 20 neighbours with plain votes by the metric, and 20
// with votes weighted by cosine, which is the first in the list.
func (c Classifier) Classify(ctx context.Context, train, test Rows) ([]Prediction, error) {
	switch c.Method {
	case "centroid":
		centers, err := centroid.Fit(train.X, train.N, train.Labels, c.Metric)
		if err != nil {
			return nil, err
		}
		p, err := predict("centroid, "+c.Metric.String(), centers.Predict, train, test)
		return []Prediction{p}, err
	case "linear":
		o := centroid.DefaultLinearOptions()
		o.Progress = func(iteration int, loss float64) {
			c.Report.Update(progress.Status{Label: c.Label, Unit: "iterations", Done: iteration,
				Total: o.MaxIterations, Tail: fmt.Sprintf("loss %e", loss)})
		}
		l, err := centroid.FitLinear(ctx, train.X, train.N, train.Labels, o)
		if err != nil {
			return nil, err
		}
		if !l.Converged {
			c.Report.Printf("note: %s: the linear probe is not converged after %d iterations",
				c.Label, l.Iterations)
		}
		p, err := predict("linear", l.Predict, train, test)
		return []Prediction{p}, err
	case "knn":
		return c.knn(ctx, train, test)
	}
	return nil, fmt.Errorf("unknown method %q: want %s", c.Method, strings.Join(Methods, ", "))
}

// ClassifySpace classifies a space of the data: the rows whose class is known, in their order.
func (c Classifier) ClassifySpace(ctx context.Context, s Space, d *Data) ([]Prediction, error) {
	c.Label = strings.TrimPrefix(c.Label+", "+s.Name, ", ")
	return c.Classify(ctx, KnownRows(s.Train, d.Train.Labels), KnownRows(s.Test, d.Test.Labels))
}

// predict asks a classifier about both splits.
func predict(name string, f func(x []float32, n int) ([]int, error),
	train, test Rows) (p Prediction, err error) {
	p.Name = name
	if p.Train, err = f(train.X, train.N); err == nil && test.N > 0 {
		p.Test, err = f(test.X, test.N)
	}
	return p, err
}

// knn finds the neighbours by cosine and by the metric, once for each, and lets them vote.
func (c Classifier) knn(ctx context.Context, train, test Rows) ([]Prediction, error) {
	if train.N < 2 {
		return nil, fmt.Errorf("knn needs at least 2 training rows, there are %d", train.N)
	}
	k := min(neighbors, train.N-1)
	list := []Prediction{{Name: fmt.Sprintf("knn %d, cosine-weighted", k)},
		{Name: "knn 1, " + c.Metric.String()}, {Name: fmt.Sprintf("knn %d, %v", k, c.Metric)}}
	votes := []centroid.KNNOptions{{K: k, Temperature: temperature}, {K: 1}, {K: k}}
	for _, split := range []struct {
		name    string
		queries *Rows
		to      func(*Prediction) *[]int
	}{
		{"train", nil, func(p *Prediction) *[]int { return &p.Train }},
		{"test", &test, func(p *Prediction) *[]int { return &p.Test }},
	} {
		if split.queries != nil && split.queries.N == 0 {
			continue
		}
		found := map[centroid.Metric]centroid.Neighbors{}
		for i := range list {
			metric := c.Metric
			if i == 0 {
				metric = centroid.Cosine
			}
			nb, ok := found[metric]
			if !ok {
				c.Report.Update(progress.Status{Label: c.Label + ", " + metric.String() +
					" neighbours of " + split.name})
				var err error
				if nb, err = c.nearest(ctx, train, split.queries, k, metric); err != nil {
					return nil, err
				}
				found[metric] = nb
			}
			classes, err := centroid.KNN(nb, train.Labels, votes[i])
			if err != nil {
				return nil, err
			}
			*split.to(&list[i]) = classes
		}
	}
	return list, nil
}

// nearest lists the k nearest training rows of the queries, or, where they are nil, of every
// training row among the others.
func (c Classifier) nearest(
	ctx context.Context, train Rows, queries *Rows, k int, m centroid.Metric,
) (centroid.Neighbors, error) {
	search := c.Neighbors
	if search == nil {
		search = tsne.ExactNeighbors{}
	}
	x, asked, n := train.X, []float32(nil), train.N
	if m == centroid.Cosine {
		x = directions(x, train.N)
	}
	q := x
	if queries != nil {
		asked, n = queries.X, queries.N
		if m == centroid.Cosine {
			asked = directions(asked, n)
		}
		q = asked
	}
	g, err := search.Nearest(ctx, x, train.N, asked, n, k)
	if err != nil {
		return centroid.Neighbors{}, err
	}
	nb := centroid.Neighbors{N: n, K: g.K, Index: g.Index}
	if m != centroid.Cosine {
		return nb, nil
	}
	nb.Similarity = make([]float32, len(nb.Index))
	d := len(x) / train.N
	for i, row := range nb.Index {
		if row >= 0 {
			a, b := q[i/g.K*d:][:d], x[int(row)*d:][:d]
			sum := 0.0
			for j, v := range a {
				sum += float64(v) * float64(b[j])
			}
			nb.Similarity[i] = float32(sum)
		}
	}
	return nb, nil
}

// directions returns the rows scaled to length 1; rows of zeros stay, similar to nothing.
func directions(x []float32, n int) []float32 {
	u := slices.Clone(x)
	d := len(x) / n
	for i := range n {
		row := u[i*d : (i+1)*d]
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		scale := 1 / max(math.Sqrt(sum), 1e-12)
		for j, v := range row {
			row[j] = float32(float64(v) * scale)
		}
	}
	return u
}

// maxSilhouette is the most rows that Silhouette compares with one another.
const maxSilhouette = 10_000

// Silhouette is the mean silhouette of the classes among at most 10,000 of the rows, each
// k-th, and how many they are.
func Silhouette(r Rows, m centroid.Metric) (value float64, rows int, err error) {
	step := (r.N + maxSilhouette - 1) / maxSilhouette
	d := len(r.X) / max(r.N, 1)
	var x []float32
	var labels []int
	for i := 0; i < r.N; i += step {
		x, labels = append(x, r.X[i*d:(i+1)*d]...), append(labels, r.Labels[i])
	}
	value, err = centroid.Silhouette(x, len(labels), labels, m)
	return value, len(labels), err
}
