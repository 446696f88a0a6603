package centroid

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	blas "gonum.org/v1/gonum/blas/gonum"
)

// golden is what centroid/testdata/golden.py wrote.
type golden struct {
	Nearest []struct {
		X, Test           []float32
		Rows              int
		TestRows          int `json:"test_rows"`
		Labels, Classes   []int
		Centers           []float32
		Euclidean, Cosine []int
	}
	Scores []struct {
		A, B     []int
		NMI, ARI float64
		Matched  int
	}
	Confusion struct {
		Predicted, Labels, Table []int
		Accuracy                 float64
		PerClass                 []float64 `json:"per_class"`
	}
	KMeans []struct {
		X, Init, Centers []float32
		Rows, K          int
		Tol, Inertia     float64
		BestInertia      float64 `json:"best_inertia"`
		Labels           []int
	}
	MNIST struct {
		TrainRight         int     `json:"train_right"`
		TestRight          int     `json:"test_right"`
		CosineTestRight    int     `json:"cosine_test_right"`
		KMeansTestInertia  float64 `json:"kmeans_test_inertia"`
		KMeansTestAccuracy float64 `json:"kmeans_test_accuracy"`
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func close(a, b, tol float64) bool { return math.Abs(a-b) <= tol*max(1, math.Abs(b)) }

func TestNearestAsPyTorch(t *testing.T) {
	for i, g := range readGolden(t).Nearest {
		for _, m := range []struct {
			metric Metric
			want   []int
		}{{Euclidean, g.Euclidean}, {Cosine, g.Cosine}} {
			c, err := Fit(g.X, g.Rows, g.Labels, m.metric)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(c.Classes, g.Classes) {
				t.Errorf("case %d: classes %v, want %v", i, c.Classes, g.Classes)
			}
			for j, v := range c.Centers {
				if !close(float64(v), float64(g.Centers[j]), 1e-6) {
					t.Errorf("case %d: centre value %d is %v, want %v", i, j, v, g.Centers[j])
				}
			}
			got, err := c.Predict(g.Test, g.TestRows)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, m.want) {
				t.Errorf("case %d %v: predicted\n%v, want\n%v", i, m.metric, got, m.want)
			}
		}
	}
}

// TestPredictBruteForce compares with distances by their definition.
func TestPredictBruteForce(t *testing.T) {
	for _, d := range []int{1, 2, 3, 5, 17, 50} {
		x, labels := blobs(700, d, 7, 2, uint64(d))
		c, err := Fit(x, 700, labels, Euclidean)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Predict(x, 700)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range got {
			best, least := 0, math.Inf(1)
			for k := range c.Classes {
				var sum float64
				for j := range d {
					diff := float64(x[i*d+j]) - float64(c.Centers[k*d+j])
					sum += diff * diff
				}
				if sum < least {
					best, least = c.Classes[k], sum
				}
			}
			if p != best {
				t.Fatalf("d=%d row %d: class %d, want %d", d, i, p, best)
			}
		}
	}
}

func TestTiesGoToTheLowestClass(t *testing.T) {
	const d = 7 // rows of an odd length lie at different alignments
	row := []float32{.1, .7, -.3, 1e-3, 5.3, .9, -2.1}
	var x []float32
	labels := []int{9, -2, 4, 30, 7}
	for range labels {
		x = append(x, row...)
	}
	for _, m := range []Metric{Euclidean, Cosine} {
		c, err := Fit(x, len(labels), labels, m)
		if err != nil {
			t.Fatal(err)
		}
		test := make([]float32, 100*d)
		for i := range test {
			test[i] = float32(i%13) / 7
		}
		got, err := c.Predict(test, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range got {
			if p != -2 {
				t.Fatalf("%v: row %d is of class %d, want -2", m, i, p)
			}
		}
	}
}

func TestFitKeepsPrecision(t *testing.T) {
	// A float32 sum would stop growing at 2^24.
	const n = 1 << 18
	x := make([]float32, n)
	for i := range x {
		x[i] = 1000 + float32(i%2)
	}
	c, err := Fit(x, n, make([]int, n), Euclidean)
	if err != nil {
		t.Fatal(err)
	}
	if c.Centers[0] != 1000.5 || c.Counts[0] != n {
		t.Errorf("centre %v of %d rows, want 1000.5 of %d", c.Centers[0], c.Counts[0], n)
	}
}

func TestSameWhateverTheProcessors(t *testing.T) {
	x, labels := blobs(3000, 33, 6, 3, 5)
	run := func() (*Centroids, []int, *Clustering) {
		c, err := Fit(x, 3000, labels, Cosine)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Predict(x, 3000)
		if err != nil {
			t.Fatal(err)
		}
		o := DefaultKMeansOptions()
		o.K, o.Starts = 12, 3
		k, err := KMeans(t.Context(), x, 3000, o)
		if err != nil {
			t.Fatal(err)
		}
		return c, p, k
	}
	c, p, k := run()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, procs := range []int{1, 3, 8} {
		runtime.GOMAXPROCS(procs)
		c2, p2, k2 := run()
		if !reflect.DeepEqual(c, c2) || !reflect.DeepEqual(p, p2) || !reflect.DeepEqual(k, k2) {
			t.Errorf("results differ with GOMAXPROCS=%d", procs)
		}
	}
}

func TestBadInput(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	good, err := Fit([]float32{1, 2, 3, 4}, 2, []int{0, 1}, Euclidean)
	if err != nil {
		t.Fatal(err)
	}
	fit := func(x []float32, n int, labels []int, m Metric) error {
		_, err := Fit(x, n, labels, m)
		return err
	}
	predict := func(c *Centroids, x []float32, n int) error {
		_, err := c.Predict(x, n)
		return err
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"no rows":       {fit(nil, 0, nil, Euclidean), "0 rows"},
		"negative rows": {fit([]float32{1}, -1, nil, Euclidean), "-1 rows"},
		"empty":         {fit(nil, 3, make([]int, 3), Euclidean), "empty"},
		"ragged":        {fit(make([]float32, 5), 2, make([]int, 2), Euclidean), "5 values"},
		"labels": {fit(make([]float32, 4), 2, make([]int, 3), Euclidean),
			"3 labels for 2 rows"},
		"metric": {fit(make([]float32, 4), 2, make([]int, 2), 7), "metric 7"},
		"NaN": {fit([]float32{1, 2, 3, nan}, 2, make([]int, 2), Euclidean),
			"row 1, column 1 is NaN"},
		"infinity": {fit([]float32{1, inf, 3, 4}, 2, make([]int, 2), Euclidean),
			"row 0, column 1 is +Inf"},
		"other width":  {predict(good, make([]float32, 6), 2), "rows have 3 values, centres 2"},
		"predict none": {predict(good, nil, 0), "0 rows"},
		"predict NaN":  {predict(good, []float32{1, 2, nan, 4}, 2), "row 1, column 0 is NaN"},
		"predict inf":  {predict(good, []float32{1, 2, 3, -inf}, 2), "row 1, column 1 is -Inf"},
		"no centres":   {predict(&Centroids{Dim: 2}, make([]float32, 4), 2), "0 centre values"},
		"NaN centre": {predict(&Centroids{Classes: []int{1}, Centers: []float32{nan}, Dim: 1},
			[]float32{1}, 1), "centre: row 0"},
		"unknown metric": {predict(&Centroids{Classes: []int{1}, Centers: []float32{1}, Dim: 1,
			Metric: -1}, []float32{1}, 1), "metric -1"},
	} {
		if test.err == nil || !strings.HasPrefix(test.err.Error(), "centroid: ") ||
			!strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, test.err, test.want)
		}
	}
	for _, m := range []Metric{Euclidean, Cosine} {
		if got, err := ParseMetric(m.String()); err != nil || got != m {
			t.Errorf("ParseMetric(%q) = %v, %v", m, got, err)
		}
	}
	if _, err := ParseMetric("manhattan"); err == nil ||
		!strings.Contains(err.Error(), "manhattan") {
		t.Errorf("ParseMetric(manhattan): error %v", err)
	}
}

func TestLargeValues(t *testing.T) {
	// Squares of these overflow float32.
	c, err := Fit([]float32{3e38, 3e38, -3e38, -3e38}, 2, []int{0, 1}, Euclidean)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Predict([]float32{2e38, 3e38, -1e38, -2e38}, 2); err != nil ||
		!slices.Equal(got, []int{0, 1}) {
		t.Errorf("Predict = %v, %v", got, err)
	}
}

// TestInputUntouched also checks that rows of an odd offset are read right.
func TestInputUntouched(t *testing.T) {
	x, labels := blobs(200, 5, 3, 1, 2)
	x = append([]float32{0}, x...)[1:]
	before, labelsBefore := slices.Clone(x), slices.Clone(labels)
	c, err := Fit(x, 200, labels, Cosine)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Predict(x, 200); err != nil {
		t.Fatal(err)
	}
	o := DefaultKMeansOptions()
	o.Metric = Cosine
	if _, err = KMeans(t.Context(), x, 200, o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x, before) || !slices.Equal(labels, labelsBefore) {
		t.Error("input changed")
	}
}

func shuffled(n int, seed uint64) []int { return rand.New(rand.NewPCG(seed, 0)).Perm(n) }

// Where there is no assembly, inner products have the bits that it gives.
func TestDotIsGonums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 400)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for n := range 40 {
		for from := range 5 {
			a, b := x[:n], x[200+from:][:n]
			got, want := dotGo(a, b), blas.Implementation{}.Dsdot(n, a, 1, b, 1)
			if runtime.GOARCH == "amd64" && got != want || math.Abs(got-want) > 1e-13*float64(n) {
				t.Fatalf("product of %d values from %d: %v, gonum's is %v", n, from, got, want)
			}
		}
	}
}
