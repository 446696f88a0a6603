//go:build linux && cgo

// Above 400 lines: the goldens and small runs here are what all the tests stand on.

package autoenc

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/centroid"
	"latent/internal/datasettest"
	"latent/torch/pt"
)

// golden is one run of the notebook's cells in PyTorch, written by
// autoenc/testdata/golden.py.
type golden struct {
	file          string
	Seed          int64
	Weights       map[string]string
	Order         string
	FirstBatch    []int64 `json:"first_batch"`
	Losses        []float64
	TestMSE       float64 `json:"test_mse"`
	AccuracyTrain float64 `json:"accuracy_train"`
	AccuracyTest  float64 `json:"accuracy_test"`
}

func readGoldens(t testing.TB) []golden {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", "golden-*.json"))
	if len(files) == 0 {
		t.Fatal("no goldens")
	}
	var runs []golden
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g struct{ Runs []golden }
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		for _, run := range g.Runs {
			run.file = filepath.Base(file)
			runs = append(runs, run)
		}
	}
	return runs
}

func sha(t testing.TB, v any) string {
	t.Helper()
	h := sha256.New()
	if err := binary.Write(h, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestInitialWeightsArePyTorchs(t *testing.T) {
	for _, run := range readGoldens(t) {
		m, err := New(784, run.Seed)
		if err != nil {
			t.Fatal(err)
		}
		d, err := StateDict(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(d) != len(run.Weights) {
			t.Fatalf("seed %d: %d parameters, PyTorch has %d", run.Seed, len(d), len(run.Weights))
		}
		for _, item := range d {
			if got := sha(t, item.Value.(pt.Tensor).Data); got != run.Weights[item.Key] {
				t.Errorf("seed %d: %s: sha256 %s, PyTorch's %s", run.Seed, item.Key, got,
					run.Weights[item.Key])
			}
		}
	}
}

func TestOrderIsDataLoaders(t *testing.T) {
	for _, run := range readGoldens(t) {
		if _, err := New(784, run.Seed); err != nil {
			t.Fatal(err)
		}
		l := loader{n: 60000, batchSize: 1024, shuffle: true}
		seed, err := l.begin(0)
		if err != nil {
			t.Fatal(err)
		}
		order, err := l.order(seed)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(order[:len(run.FirstBatch)], run.FirstBatch) {
			t.Errorf("seed %d: first rows %v, PyTorch's %v", run.Seed, order[:len(run.FirstBatch)],
				run.FirstBatch)
		}
		if got := sha(t, order); got != run.Order {
			t.Errorf("seed %d: order sha256 %s, PyTorch's %s", run.Seed, got, run.Order)
		}
		if l.batches() != 59 || len(l.batch(order, 58)) != 608 {
			t.Errorf("%d batches, the last of %d, want 59 and 608", l.batches(),
				len(l.batch(order, 58)))
		}
	}
}

// checkFirstSteps holds the losses of an epoch's beginning to PyTorch's: the first ten within
// 1e-5 relative. (PyTorch differs by as much from itself with another number of BLAS threads.)
// It returns the largest relative difference of all.
func checkFirstSteps(t *testing.T, losses []Loss, g golden) float64 {
	t.Helper()
	worst := 0.0
	for i, l := range losses {
		diff := math.Abs(float64(l.Loss)-g.Losses[i]) / g.Losses[i]
		worst = max(worst, diff)
		if i < 10 && diff > 1e-5 || l.Step != i+1 || l.Epoch != 1 || l.Contrastive != 0 ||
			l.Loss != l.Reconstruction {
			t.Errorf("step %d: %+v, PyTorch's loss %g in %s (off by %.1e relative)", i+1, l,
				g.Losses[i], g.file, diff)
		}
	}
	t.Logf("largest relative difference of %d losses to %s, seed %d: %.1e", len(losses), g.file,
		g.Seed, worst)
	return worst
}

// The first ten steps on MNIST have PyTorch's losses: what can be waited for where a processor
// is emulated (scripts/test/arm64.sh).
func TestFirstStepsArePyTorchs(t *testing.T) {
	const steps = 10
	d := datasettest.Open(t, "mnist")
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := DefaultOptions()
	o.Epochs = 1
	o.Progress = func(p Progress) {
		if p.Step == steps {
			cancel()
		}
	}
	tr, err := NewTrainer(m, FromPixels(d.Train.Images, d.Train.N), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Run(ctx); !errors.Is(err, context.Canceled) || len(tr.Losses()) != steps {
		t.Fatalf("%d steps (%v), want %d", len(tr.Losses()), err, steps)
	}
	for _, g := range readGoldens(t) {
		if g.Seed == 0 {
			checkFirstSteps(t, tr.Losses(), g)
		}
	}
}

// One epoch of MNIST with PyTorch's losses: the first ten as above, all 59 within 1e-4 of one
// golden.
func TestFirstEpochIsPyTorchs(t *testing.T) {
	if testing.Short() {
		t.Skip("an epoch of MNIST")
	}
	d := datasettest.Open(t, "mnist")
	train, test := FromPixels(d.Train.Images, d.Train.N), FromPixels(d.Test.Images, d.Test.N)
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Epochs = 1
	losses := runTrainer(t, m, train, o)
	var run golden
	nearest := math.Inf(1)
	for _, g := range readGoldens(t) {
		if g.Seed != 0 {
			continue
		}
		if len(losses) != len(g.Losses) {
			t.Fatalf("%d steps, PyTorch took %d", len(losses), len(g.Losses))
		}
		if worst := checkFirstSteps(t, losses, g); worst < nearest {
			nearest, run = worst, g
		}
	}
	if nearest > 1e-4 {
		t.Errorf("no golden's losses are within 1e-4: the nearest, %s, differs by %.1e", run.file,
			nearest)
	}

	ctx := context.Background()
	mse, err := Evaluate(ctx, m, test)
	if err != nil || math.Abs(mse-run.TestMSE) > 1e-4*run.TestMSE {
		t.Errorf("test MSE %g (%v), PyTorch's %g", mse, err, run.TestMSE)
	}
	z, err := Encode(ctx, m, train)
	if err != nil {
		t.Fatal(err)
	}
	zt, err := Encode(ctx, m, test)
	if err != nil {
		t.Fatal(err)
	}
	c, err := centroid.Fit(z, d.Train.N, d.Train.Labels, centroid.Euclidean)
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range []struct {
		name   string
		z      []float32
		labels []int
		want   float64
	}{{"train", z, d.Train.Labels, run.AccuracyTrain},
		{"test", zt, d.Test.Labels, run.AccuracyTest}} {
		predicted, err := c.Predict(split.z, len(split.labels))
		if err != nil {
			t.Fatal(err)
		}
		// A hundred-thousandth of a weight moves a handful of images across a border.
		if got := centroid.Accuracy(predicted, split.labels); math.Abs(got-split.want) > 0.005 {
			t.Errorf("%s accuracy %.4f, PyTorch's %.4f", split.name, got, split.want)
		}
	}
}

func runTrainer(t testing.TB, m *AutoEncoder, train Samples, o Options) []Loss {
	t.Helper()
	tr, err := NewTrainer(m, train, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return tr.Losses()
}

// noise is n images of dim bytes that are the same for every run.
func noise(n, dim int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n*dim)
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	return b
}

func smallOptions(epochs int) Options {
	o := DefaultOptions()
	o.Epochs, o.BatchSize, o.SaveEvery = epochs, 32, 0
	return o
}

func stateBytes(t testing.TB, m *AutoEncoder) string {
	t.Helper()
	d, err := StateDict(m)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, item := range d {
		b.WriteString(sha(t, item.Value.(pt.Tensor).Data))
	}
	return b.String()
}

func TestSameSeedSameBytes(t *testing.T) {
	train := FromPixels(noise(100, 784), 100)
	var first []Loss
	var weights string
	for i := range 2 {
		m, err := New(784, 3)
		if err != nil {
			t.Fatal(err)
		}
		losses := runTrainer(t, m, train, smallOptions(2))
		if i == 0 {
			first, weights = losses, stateBytes(t, m)
		} else if !slices.Equal(losses, first) || stateBytes(t, m) != weights {
			t.Error("two runs of one seed differ")
		}
	}
}

// What is measured after an epoch changes neither losses nor weights.
func TestEpochEndChangesNothing(t *testing.T) {
	train := FromPixels(noise(100, 784), 100)
	var plain []Loss
	var weights string
	for _, measure := range []bool{false, true} {
		m, err := New(784, 3)
		if err != nil {
			t.Fatal(err)
		}
		o := smallOptions(3)
		var epochs []int
		if measure {
			o.EpochEnd = func(epoch int) error {
				epochs = append(epochs, epoch)
				z, err := Encode(context.Background(), m, train)
				if len(z) != 100*50 {
					t.Errorf("%d latents", len(z))
				}
				return err
			}
		}
		losses := runTrainer(t, m, train, o)
		if !measure {
			plain, weights = losses, stateBytes(t, m)
			continue
		}
		if !slices.Equal(losses, plain) || stateBytes(t, m) != weights {
			t.Error("measuring changes the run")
		}
		if !slices.Equal(epochs, []int{1, 2, 3}) {
			t.Errorf("called after epochs %v", epochs)
		}
	}
}

// A run that is cut anywhere and goes on from its checkpoint ends with the bytes
// of an unbroken one.
func TestResumeEqualsUnbroken(t *testing.T) {
	train := FromPixels(noise(100, 784), 100) // 4 batches, the last of 4 rows
	whole, err := New(784, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := runTrainer(t, whole, train, smallOptions(3))
	for _, cut := range []int{1, 4, 6, 11} {
		path := filepath.Join(t.TempDir(), "checkpoint.pt")
		m, err := New(784, 5)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		o := smallOptions(3)
		o.SaveEvery = 1 << 60
		o.Progress = func(p Progress) {
			if p.Step == cut {
				cancel()
			}
		}
		o.Save = func(c *Checkpoint) error { return c.WriteFile(path) }
		tr, err := NewTrainer(m, train, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("cut at %d: Run: %v", cut, err)
		}
		losses := tr.Losses()
		tr.Close()

		c, err := ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Step != cut {
			t.Errorf("cut at %d: checkpoint of step %d", cut, c.Step)
		}
		again, err := New(784, 99) // anything: Restore replaces it
		if err != nil {
			t.Fatal(err)
		}
		tr, err = NewTrainer(again, train, nil, smallOptions(3))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Restore(c); err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if losses = append(losses, tr.Losses()...); !slices.Equal(losses, want) {
			t.Errorf("cut at %d: losses differ from the unbroken run's", cut)
		}
		tr.Close()
		if stateBytes(t, again) != stateBytes(t, whole) {
			t.Errorf("cut at %d: weights differ from the unbroken run's", cut)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	m, err := New(784, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.pt")
	if err := Save(m, path); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path, 784)
	if err != nil {
		t.Fatal(err)
	}
	if stateBytes(t, m) != stateBytes(t, again) {
		t.Error("loaded weights differ from the saved ones")
	}
	if _, err := Load(path, 100); err == nil ||
		!strings.Contains(err.Error(), "encoder.0.weight") {
		t.Errorf("another architecture: %v", err)
	}
	if _, err := ReadCheckpoint(path); err == nil ||
		!strings.Contains(err.Error(), "not a checkpoint") {
		t.Errorf("a model read as a checkpoint: %v", err)
	}
}

func TestPixelsAndFloatsAgree(t *testing.T) {
	pixels := noise(40, 784)
	floats := make([]float32, len(pixels))
	for i, b := range pixels {
		floats[i] = float32(b) / 255
	}
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	a, err := Encode(ctx, m, FromPixels(pixels, 40))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(ctx, m, FromFloats(floats, 40))
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 40*LatentDim || !slices.Equal(a, b) {
		t.Error("bytes and their floats encode differently")
	}
	xhat, err := Reconstruct(ctx, m, FromFloats(floats, 40))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, v := range xhat {
		sum += float64(v-floats[i]) * float64(v-floats[i])
	}
	mse, err := Evaluate(ctx, m, FromFloats(floats, 40))
	if want := sum / float64(len(xhat)); err != nil || math.Abs(mse-want) > 1e-6*want {
		t.Errorf("Evaluate %g (%v), from Reconstruct %g", mse, err, want)
	}
}

func TestOddBatches(t *testing.T) {
	for _, n := range []int{1, 31, 33} { // one image, a last batch of n, a last batch of 1
		m, err := New(784, 0)
		if err != nil {
			t.Fatal(err)
		}
		if losses := runTrainer(t, m, FromPixels(noise(n, 784), n),
			smallOptions(2)); len(losses) != 2*((n+31)/32) {
			t.Errorf("%d images: %d steps", n, len(losses))
		}
	}
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	runTrainer(t, m, FromPixels(make([]byte, 784*64), 64), smallOptions(2)) // constant images
	o := smallOptions(2)
	o.BatchSize = math.MaxInt
	if losses := runTrainer(t, m, FromPixels(noise(3, 784), 3), o); len(losses) != 2 {
		t.Errorf("one batch of all images: %d steps", len(losses))
	}
}

func TestErrors(t *testing.T) {
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := FromPixels(noise(10, 784), 10)
	change := func(f func(*Options)) Options {
		o := smallOptions(1)
		f(&o)
		return o
	}
	nan := float32(math.NaN())
	bad := make([]float32, 10*784)
	bad[5000] = nan
	infinite := make([]float32, 10*784)
	infinite[5000] = float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		x      Samples
		labels []int
		o      Options
		want   string
	}{
		{"epochs", x, nil, change(func(o *Options) { o.Epochs = 0 }), "epochs"},
		{"batch size", x, nil, change(func(o *Options) { o.BatchSize = -1 }), "batch size"},
		{"learning rate", x, nil, change(func(o *Options) { o.LearningRate = math.NaN() }),
			"learning rate"},
		{"weight decay", x, nil, change(func(o *Options) { o.WeightDecay = -1 }), "weight decay"},
		{"precision", x, nil, change(func(o *Options) { o.Precision = "fp8" }), "fp8"},
		{"tf32 on the CPU", x, nil, change(func(o *Options) { o.Precision = TF32 }), "CUDA"},
		{"labels", x, []int{1}, smallOptions(1), "1 labels for 10 rows"},
		{"shape", FromPixels(noise(10, 783), 10), nil, smallOptions(1), "784"},
		{"empty", FromPixels(nil, 0), nil, smallOptions(1), "rows"},
		{"NaN", FromFloats(bad, 10), nil, smallOptions(1), "step 1 (epoch 1)"},
		{"infinity", FromFloats(infinite, 10), nil, smallOptions(1), "step 1 (epoch 1)"},
		{"diverges", x, nil, change(func(o *Options) { o.LearningRate = 1e5; o.Epochs = 50 }),
			"step "},
	} {
		tr, err := NewTrainer(m, c.x, c.labels, c.o)
		if err == nil {
			err = tr.Run(context.Background())
			tr.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.name, err, c.want)
		}
	}
	if _, err := New(0, 0); err == nil {
		t.Error("a model of no features was made")
	}
	if err := To(m, "cuda:99"); err == nil {
		t.Error("moved to a device that does not exist")
	}
}

// Tensors are freed when a step ends: the resident size of a long run is flat.
func TestMemoryIsFlat(t *testing.T) {
	m, err := New(784, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := smallOptions(200)
	var early int
	o.Progress = func(p Progress) {
		if p.Step == 100 {
			early = rss(t)
		}
	}
	runTrainer(t, m, FromPixels(noise(100, 784), 100), o)
	if late := rss(t); early == 0 || late > early+20<<20 {
		t.Errorf("resident size grew from %d to %d MiB in 700 steps", early>>20, late>>20)
	}
}

// rss is the resident size of this process in bytes.
func rss(t testing.TB) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	pages := strings.Fields(string(b))[1]
	n := 0
	for _, c := range pages {
		n = n*10 + int(c-'0')
	}
	return n * os.Getpagesize()
}
