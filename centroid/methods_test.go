package centroid

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// methodGolden is the part of golden.json that scikit-learn's classifiers and scores wrote.
type methodGolden struct {
	KNN []struct {
		K                 int
		Labels            []int
		Euclidean, Cosine []int32
		Similarity        []float32
		Plain, Weighted   []int
	}
	Linear []struct {
		X, Test             []float32
		Rows                int
		Labels, Predicted   []int
		C, Loss             float64
		Weights, Intercepts []float64
	}
	ClassScores []struct {
		Predicted, Labels, Classes, Support []int
		Precision, Recall, F1               []float64
	} `json:"class_scores"`
	Silhouette struct {
		X                        []float32
		Groups                   []int
		Euclidean, Cosine, Alone float64
	}
}

func readMethodGolden(t *testing.T) (g methodGolden) {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(raw, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestKNNAsScikitLearn(t *testing.T) {
	for _, g := range readMethodGolden(t).KNN {
		n := len(g.Plain)
		plain, err := KNN(Neighbors{N: n, K: g.K, Index: g.Euclidean}, g.Labels,
			KNNOptions{K: g.K})
		if err != nil || !slices.Equal(plain, g.Plain) {
			t.Errorf("k %d: %v, %v, want %v", g.K, plain, err, g.Plain)
		}
		nb := Neighbors{n, g.K, g.Cosine, g.Similarity}
		weighted, err := KNN(nb, g.Labels, KNNOptions{K: g.K, Temperature: 0.07})
		if err != nil || !slices.Equal(weighted, g.Weighted) {
			t.Errorf("k %d, weighted: %v, %v, want %v", g.K, weighted, err, g.Weighted)
		}
	}
}

func TestKNN(t *testing.T) {
	// Rows 0, 1, 2 and 3 are of classes 7, 7, -1 and 9.
	labels := []int{7, 7, -1, 9}
	nb := Neighbors{N: 2, K: 3, Index: []int32{3, 2, 1, 2, -1, -1},
		Similarity: []float32{1, 0.5, -90, 0, 5, 5}}
	for _, c := range []struct {
		o    KNNOptions
		want []int
	}{{KNNOptions{K: 3}, []int{-1, -1}}, {KNNOptions{K: 1}, []int{9, -1}},
		{KNNOptions{K: 3, Temperature: 0.01}, []int{9, -1}}} {
		if got, err := KNN(nb, labels, c.o); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %v, want %v", c.o, got, err, c.want)
		}
	}
	nan := slices.Clone(nb.Similarity)
	nan[0] = float32(math.NaN())
	for want, err := range map[string]error{
		"K is 4":      second(KNN(nb, labels, KNNOptions{K: 4})),
		"K is 0":      second(KNN(nb, labels, KNNOptions{})),
		"Temperature": second(KNN(nb, labels, KNNOptions{K: 1, Temperature: -1})),
		"0 similarities": second(KNN(Neighbors{N: 2, K: 3, Index: nb.Index}, labels,
			KNNOptions{K: 1, Temperature: 1})),
		"6 indices for 3": second(KNN(Neighbors{N: 3, K: 3, Index: nb.Index}, labels,
			KNNOptions{K: 1})),
		"no labels":   second(KNN(nb, nil, KNNOptions{K: 1})),
		"among the 2": second(KNN(nb, labels[:2], KNNOptions{K: 1})),
		"has no neighbour": second(KNN(Neighbors{N: 1, K: 1, Index: []int32{-1}}, labels,
			KNNOptions{K: 1})),
		"is no number": second(KNN(Neighbors{2, 3, nb.Index, nan}, labels,
			KNNOptions{K: 2, Temperature: 1})),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "centroid: KNN: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestLinearAsScikitLearn(t *testing.T) {
	for i, g := range readMethodGolden(t).Linear {
		o := DefaultLinearOptions()
		o.C, o.Tolerance = g.C, 1e-13
		l, err := FitLinear(t.Context(), g.X, g.Rows, g.Labels, o)
		if err != nil {
			t.Fatal(err)
		}
		if !l.Converged {
			t.Errorf("case %d: not converged after %d iterations", i, l.Iterations)
		}
		mean := 0.0
		for _, b := range l.Intercepts {
			mean += b / float64(len(l.Intercepts))
		}
		for k, b := range l.Intercepts {
			if !close(b-mean, g.Intercepts[k], 1e-3) {
				t.Errorf("case %d: intercept %d is %v, want %v", i, k, b-mean, g.Intercepts[k])
			}
		}
		for k, w := range l.Weights {
			if !close(w, g.Weights[k], 1e-4) {
				t.Errorf("case %d: weight %d is %v, want %v", i, k, w, g.Weights[k])
			}
		}
		if penalty := l.Loss - g.Loss; penalty < 0 {
			t.Errorf("case %d: loss with penalty %v, without %v", i, l.Loss, g.Loss)
		}
		got, err := l.Predict(g.Test, len(g.Predicted))
		if err != nil || !slices.Equal(got, g.Predicted) {
			t.Errorf("case %d: predicted %v, %v, want %v", i, got, err, g.Predicted)
		}
	}
}

// The gradient is that of the loss, by differences.
func TestLinearGradient(t *testing.T) {
	x, labels := blobs(40, 3, 4, 1, 3)
	_, class := distinct(labels)
	r := &regression{x: x, class: class, n: 40, d: 3, k: 4, factor: 0.3}
	r.prepare()
	v := make([]float64, 16)
	for i := range v {
		v[i] = math.Sin(float64(i))
	}
	r.evaluate(v)
	gradient := slices.Clone(r.gradient)
	for i := range v {
		const h = 1e-5
		at := func(step float64) float64 {
			w := slices.Clone(v)
			w[i] += step
			r.evaluate(w)
			return r.loss
		}
		if want := (at(h) - at(-h)) / (2 * h); math.Abs(gradient[i]-want) > 1e-8 {
			t.Errorf("derivative %d is %v, by differences %v", i, gradient[i], want)
		}
	}
}

func TestLinearWhateverTheProcessors(t *testing.T) {
	x, labels := blobs(3000, 9, 5, 2, 8)
	fit := func() *Linear {
		l, err := FitLinear(t.Context(), x, 3000, labels, DefaultLinearOptions())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want := fit()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, procs := range []int{1, 3} {
		runtime.GOMAXPROCS(procs)
		if !reflect.DeepEqual(fit(), want) {
			t.Errorf("results differ with GOMAXPROCS=%d", procs)
		}
	}
}

func TestLinearErrors(t *testing.T) {
	x, labels := blobs(30, 2, 3, 1, 1)
	nan := slices.Clone(x)
	nan[5] = float32(math.NaN())
	o := DefaultLinearOptions()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FitLinear(ended, x, 30, labels, o); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	calls := 0
	o.Progress = func(iteration int, loss float64) { calls++ }
	o.MaxIterations = 2
	l, err := FitLinear(t.Context(), x, 30, labels, o)
	if err != nil || l.Converged || l.Iterations != 2 || calls < 1 {
		t.Errorf("two iterations: %+v, %v, %d calls", l, err, calls)
	}
	for want, err := range map[string]error{
		"C is 0": second(FitLinear(t.Context(), x, 30, labels,
			LinearOptions{MaxIterations: 1, Tolerance: 1})),
		"MaxIterations": second(FitLinear(t.Context(), x, 30, labels,
			LinearOptions{C: 1, Tolerance: 1})),
		"Tolerance": second(FitLinear(t.Context(), x, 30, labels,
			LinearOptions{C: 1, MaxIterations: 1})),
		"29 labels":        second(FitLinear(t.Context(), x, 30, labels[1:], o)),
		"are of class 0":   second(FitLinear(t.Context(), x, 30, make([]int, 30), o)),
		"row 2, column 1":  second(FitLinear(t.Context(), nan, 30, labels, o)),
		"weights 2":        second(l.Predict(x, 20)),
		"Predict: row 2, ": second(l.Predict(nan, 30)),
		"belong together":  second((&Linear{Dim: 2, Classes: []int{1}}).Predict(x, 30)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "centroid: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestClassScoresAsScikitLearn(t *testing.T) {
	for _, g := range readMethodGolden(t).ClassScores {
		scores := ClassScores(g.Predicted, g.Labels)
		if len(scores) != len(g.Classes) {
			t.Fatalf("%d classes, want %d", len(scores), len(g.Classes))
		}
		for k, s := range scores {
			if s.Class != g.Classes[k] || s.Support != g.Support[k] ||
				!close(s.Precision, g.Precision[k], 1e-12) ||
				!close(s.Recall, g.Recall[k], 1e-12) || !close(s.F1, g.F1[k], 1e-12) {
				t.Errorf("%+v, want class %d: %v, %v, %v, %d", s, g.Classes[k], g.Precision[k],
					g.Recall[k], g.F1[k], g.Support[k])
			}
		}
	}
}

func TestSilhouetteAsScikitLearn(t *testing.T) {
	g := readMethodGolden(t).Silhouette
	alone := make([]int, 20)
	for i := range alone {
		alone[i] = min(i, 7)
	}
	for _, c := range []struct {
		n      int
		groups []int
		metric Metric
		want   float64
	}{{90, g.Groups, Euclidean, g.Euclidean}, {90, g.Groups, Cosine, g.Cosine},
		{20, alone, Euclidean, g.Alone}} {
		got, err := Silhouette(g.X[:c.n*5], c.n, c.groups, c.metric)
		if err != nil || !close(got, c.want, 1e-6) {
			t.Errorf("%d rows, %v: %v, %v, want %v", c.n, c.metric, got, err, c.want)
		}
	}
	for want, err := range map[string]error{
		"1 groups of 20": second(Silhouette(g.X[:100], 20, make([]int, 20), Euclidean)),
		"3 groups":       second(Silhouette(g.X[:100], 20, make([]int, 3), Euclidean)),
		"metric":         second(Silhouette(g.X[:100], 20, alone, 9)),
		"0 rows":         second(Silhouette(nil, 0, nil, Euclidean)),
		"is +Inf": second(Silhouette([]float32{1, float32(math.Inf(1)), 2}, 3,
			[]int{1, 1, 2}, Euclidean)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
