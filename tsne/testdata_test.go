package tsne

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// golden is what tsne/testdata/golden.py computed with scikit-learn.
type golden struct {
	Rows       int
	Perplexity float64
	Start      []int
	Columns    []int32
	P          []float64
	Y          []float32
	KL         float64
	Gradient   []float64
	PCA        [][]float64
	DigitsKL   map[string]float64 `json:"digits_kl"`
	ExactKL    float64            `json:"digits_500_exact_kl"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// readDigits returns scikit-learn's digits, n x 64, values 0 to 16.
func readDigits(t testing.TB) (x []float32, n int) {
	t.Helper()
	f, err := os.Open("testdata/digits.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range data {
		x = append(x, float32(v))
	}
	return x, len(x) / 64
}

// goldenRows returns the rows that golden's P is of.
func goldenRows(t testing.TB, g golden) []float32 {
	t.Helper()
	x, _ := readDigits(t)
	x = x[:g.Rows*64]
	for i := range x {
		x[i] = float32(float64(x[i]) + float64(i*37%101)/1000)
	}
	return x
}

// normalRows returns n x d standard normal numbers.
func normalRows(n, d int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 5))
	x := make([]float32, n*d)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// blobs returns n x d rows around count centres, row i around centre i % count, the centres
// far standard deviations apart.
func blobs(n, d, count int, far float64, seed uint64) []float32 {
	x := normalRows(n, d, seed)
	centers := normalRows(count, d, seed+1)
	for i := range n {
		for j := range d {
			x[i*d+j] += float32(far) * centers[i%count*d+j]
		}
	}
	return x
}

func testAffinities(t testing.TB, x []float32, n, k int, perplexity float64) *Affinities {
	t.Helper()
	g, err := ExactNeighbors{}.Nearest(context.Background(), x, n, nil, n, k)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAffinities(g, perplexity, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
