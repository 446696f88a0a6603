//go:build linux && cgo

package faulttest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/centroid"
	"latent/dataset"
	"latent/internal/datasettest"
	"latent/torch/pt"
)

// constant is a split of images of one grey value and one class.
func constant(n int, grey, class byte) *dataset.Split {
	s := &dataset.Split{N: n, Rows: 28, Cols: 28, Images: make([]byte, n*784),
		Labels: make([]int, n)}
	for i := range s.Images {
		s.Images[i] = grey
	}
	for i := range s.Labels {
		s.Labels[i] = int(class)
	}
	return s
}

// Data that vary in nothing, batches of one image, and losses that overflow: a
// result or one line, never a NaN.
func TestDegenerateData(t *testing.T) {
	t.Parallel()
	// KMNIST's files have no published checksum when unpacked, so that any of its
	// sizes are taken.
	kuzushiji := filepath.Join(folder(t), "data")
	datasettest.Write(t, filepath.Join(kuzushiji, "KMNIST", "raw"), constant(60000, 0, 7),
		constant(10000, 0, 7))
	flat := func(command string, more ...string) []string {
		return append([]string{command, "--data", kuzushiji, "--dataset", "kmnist", "--threads",
			"1", "--quiet", "--epochs", "1"}, more...)
	}
	out := func() string { return filepath.Join(folder(t), "run") }
	for _, args := range few(2, [][]string{
		// the last batch is of one image
		flat("train", "--out", out(), "--limit", "301", "--batch-size", "100"),
		small(t, "train", out(), "--epochs", "2", "--batch-size", "1", "--limit", "3"),
		small(t, "train", out(), "--epochs", "1", "--batch-size", "9223372036854775807",
			"--contrastive", "notebook"),
		small(t, "train", out(), "--epochs", "1", "--limit", "1"),
		flat("notebook", "--out", out(), "--limit", "300", "--batch-size", "100", "--contrastive",
			"none"),
		small(t, "train", out(), "--epochs", "1", "--limit", "301", "--contrastive", "supcon",
			"--augment"),
		small(t, "train", out(), "--epochs", "1", "--limit", "301", "--contrastive", "nt-xent"),
	}...) {
		what := strings.Join(args, " ")
		r := must(t, append(args, "--json")...)
		var v map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &v); err != nil ||
			strings.Contains(r.stdout, "null") {
			t.Errorf("%s: %v in %s", what, err, r.stdout)
		}
	}
	// A contrastive loss of one class has no pairs: an answer either way, in one line.
	for _, loss := range few(1, "notebook", "supcon") {
		if r := call(t,
			flat("train", "--out", out(), "--limit", "300", "--contrastive",
				loss)...); r.code != 0 {
			r.fails(t, "one class, "+loss, r.code, "class")
		}
	}
	dir := out()
	refused(t, 1, small(t, "train", dir, "--lr", "1e6", "--epochs", "50"), "step ", "epoch",
		"the loss is", "lower the learning rate")
	whole(t, "a loss that overflows", filepath.Dir(dir))
	if _, err := os.Stat(filepath.Join(dir, "model.pt")); err == nil {
		t.Error("a model of NaN was saved")
	}
	if !long() {
		return
	}
	trained, _ := trained1.get(t, "train", "1")
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		model := write(t, filepath.Join(folder(t), "model.pt"),
			stateDict(t, filepath.Join(trained, "model.pt"), func(d pt.Dict) pt.Dict {
				d[0].Value.(pt.Tensor).Data.([]float32)[400] = float32(v)
				return d
			}))
		refused(t, 1, small(t, "train", out(), "--epochs", "1", "--init", model),
			"step 1 (epoch 1)", "the loss is")
	}
}

// Fashion-MNIST, where Debian's package dataset-fashion-mnist is installed: a run
// finds the nearest-centroid accuracy in pixel space that PyTorch finds
// (internal/faulttest/testdata/golden.py).
func TestFashionMNIST(t *testing.T) {
	t.Parallel()
	d := datasettest.Open(t, "fashion-mnist")
	var golden struct {
		Runs []struct {
			Limit       int
			Train, Test float64
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join("testdata", "fashion.json")),
		&golden); err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64, n int) {
		t.Helper()
		// at most one image that is as near to two centres
		if math.Abs(got-want)*float64(n) > 1.5 {
			t.Errorf("%s: accuracy %v, PyTorch has %v", what, got, want)
		}
	}
	want := golden.Runs[0]
	r := must(t, "train", "--out", filepath.Join(folder(t), "run"), "--data", datasettest.Dir(t),
		"--dataset", "fashion-mnist",
		"--limit", fmt.Sprint(want.Limit), "--epochs", "2", "--threads", "2", "--quiet", "--json")
	var v struct {
		Dataset  string
		Accuracy map[string]struct{ Train, Test float64 }
		MSE      map[string]struct{ Train, Test float64 }
	}
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatal(err)
	}
	near("train", v.Accuracy["original"].Train, want.Train, want.Limit)
	near("test", v.Accuracy["original"].Test, want.Test, want.Limit)
	if a, e := v.Accuracy["reconstruction"].Test,
		v.MSE["reconstruction"].Test; v.Dataset != "fashion-mnist" || a < 0.3 || e <= 0 ||
		e > 0.15 {
		t.Errorf("%s: accuracy in latent space %v, error %v", v.Dataset, a, e)
	}

	if !long() {
		return
	}
	want = golden.Runs[1]
	c, err := centroid.Fit(d.Train.Floats(), d.Train.N, d.Train.Labels, centroid.Euclidean)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		split *dataset.Split
		want  float64
	}{{d.Train, want.Train}, {d.Test, want.Test}} {
		predicted, err := c.Predict(s.split.Floats(), s.split.N)
		if err != nil {
			t.Fatal(err)
		}
		near(fmt.Sprint(s.split.N, " images"), centroid.Accuracy(predicted, s.split.Labels),
			s.want, s.split.N)
	}
}
