//go:build linux && cgo

package contrastive

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"latent/autoenc"
	"latent/torch"
)

func TestMain(m *testing.M) {
	if err := torch.Init(torch.DefaultThreads()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// golden is what contrastive/testdata/golden.py found in PyTorch.
type golden struct {
	Losses struct {
		Inputs map[string]struct {
			Rows   int
			Z      []float32
			Labels []int64
		}
		Cases []lossCase
	}
	Augment struct {
		Seed   int64
		Images int
		Cases  []struct {
			Ranges Augmentation
			Pixels []float32 // every 5th
		}
	}
	Batches struct {
		Seed   int64
		Images int
		Cases  []struct {
			Loss          string
			Value         float64
			GradientNorms []float64 `json:"gradient_norms"`
		}
	}
	Steps struct {
		Seed  int64
		Cases []struct {
			Loss   string
			Totals []float64
		}
	}
}

type lossCase struct {
	Input, Loss   string
	Similarity    Similarity
	Tau           float64
	Value         float64
	Error         float64 // of PyTorch's float32
	Gradient      []float64
	GradientError float64 `json:"gradient_error"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func do(t testing.TB, f func(s *torch.Scope)) {
	t.Helper()
	if err := torch.Do(f); err != nil {
		t.Fatal(err)
	}
}

// valueAndGradient runs one loss on the rows of z, as the golden's cases mean it:
// the notebook's and NT-Xent's pairs are the first half and the second.
func valueAndGradient(t testing.TB, name string, o Options, z []float32,
	labels []int64) (value float64, gradient []float32) {
	t.Helper()
	rows := len(labels)
	do(t, func(s *torch.Scope) {
		v := s.Float32s(z, rows, len(z)/rows).RequiresGrad(true)
		var loss *torch.Tensor
		switch name {
		case "notebook":
			loss = Notebook{o}.negativeOnly(v.Slice(0, 0, rows/2), v.Slice(0, rows/2, rows))
		case "nt-xent":
			image := make([]int64, rows)
			for i := range image {
				image[i] = int64(i % (rows / 2))
			}
			loss = o.of(v, torch.From(s, "cpu", image, rows))
		case "supcon", "self-label":
			loss = o.of(v, torch.From(s, "cpu", labels, rows))
		}
		loss.Backward()
		value, gradient = loss.Item(), v.Grad(s).Float32s()
	})
	return value, gradient
}

// Values and gradients are as near to PyTorch's float64 as its own float32 is.
func TestLossesArePyTorchs(t *testing.T) {
	g := readGolden(t).Losses
	for _, c := range g.Cases {
		in := g.Inputs[c.Input]
		value, gradient := valueAndGradient(t, c.Loss,
			Options{Temperature: c.Tau, Weight: 1, Similarity: c.Similarity}, in.Z, in.Labels)
		what := c.Loss + " " + string(c.Similarity) + ", " + c.Input
		floor := 0x1p-22 * (1 + largestLogit(c, in.Z, len(in.Z)/in.Rows)) // a logit's own rounding
		if d := math.Abs(value - c.Value); !(d <= 4*c.Error+floor) {
			t.Errorf("%s, tau %g: %.9g, PyTorch %.9g (float32 off by %.2g)", what, c.Tau, value,
				c.Value, c.Error)
		}
		worst, largest := 0.0, 0.0
		for i, want := range c.Gradient {
			worst, largest = max(worst, math.Abs(float64(gradient[i])-want)),
				max(largest, math.Abs(want))
		}
		if !(worst <= 4*c.GradientError+floor+1e-6*largest) {
			t.Errorf("%s, tau %g: gradient off by %.3g of %.3g (PyTorch's float32 by %.2g)", what,
				c.Tau, worst, largest, c.GradientError)
		}
	}
}

// largestLogit bounds what is computed of s before anything cancels.
func largestLogit(c lossCase, z []float32, d int) float64 {
	if c.Similarity == Cosine {
		return 1 / c.Tau
	}
	largest := 0.0
	for i := 0; i < len(z); i += d {
		norm := 0.0
		for _, v := range z[i : i+d] {
			norm += float64(v) * float64(v)
		}
		largest = max(largest, norm)
	}
	return 2 * largest / c.Tau
}

// The weight multiplies the loss and its gradient.
func TestWeight(t *testing.T) {
	in := readGolden(t).Losses.Inputs["random"]
	for _, name := range Names() {
		o, _ := Defaults(name)
		one, oneGradient := valueAndGradient(t, name, o, in.Z, in.Labels)
		o.Weight = 0.25
		quarter, quarterGradient := valueAndGradient(t, name, o, in.Z, in.Labels)
		if math.Abs(quarter-one/4) > 1e-6 {
			t.Errorf("%s: %g with weight 1, %g with 0.25", name, one, quarter)
		}
		for i := range oneGradient {
			if math.Abs(float64(quarterGradient[i]-oneGradient[i]/4)) > 1e-7 {
				t.Fatalf("%s: gradient %g with weight 1, %g with 0.25", name, oneGradient[i],
					quarterGradient[i])
			}
		}
	}
}

func TestGradientsAreFiniteDifferences(t *testing.T) {
	in := readGolden(t).Losses.Inputs["random"]
	for _, name := range Names() {
		for _, similarity := range []Similarity{Cosine, Euclidean} {
			if name == "notebook" && similarity == Euclidean {
				continue
			}
			o := Options{Temperature: 1, Weight: 1, Similarity: similarity}
			_, gradient := valueAndGradient(t, name, o, in.Z, in.Labels)
			z := append([]float32(nil), in.Z...)
			const h = 1.0 / 64
			for i := range z {
				z[i] = in.Z[i] + h
				above, _ := valueAndGradient(t, name, o, z, in.Labels)
				z[i] = in.Z[i] - h
				below, _ := valueAndGradient(t, name, o, z, in.Labels)
				z[i] = in.Z[i]
				slope := (above - below) / (2 * h)
				if math.Abs(slope-float64(gradient[i])) > 5e-4 {
					t.Errorf("%s %s: d/dz[%d] is %g, by differences %g", name, similarity, i,
						gradient[i], slope)
				}
			}
		}
	}
}

// The sums are cut in the same places however many threads add them up.
func TestThreadsChangeNothing(t *testing.T) {
	const rows = 1500
	z, labels := make([]float32, rows*7), make([]int64, rows)
	for i := range z {
		z[i] = float32(math.Sin(float64(i * i)))
	}
	for i := range labels {
		labels[i] = int64(i % 10)
	}
	defer torch.Init(torch.DefaultThreads())
	var first []float32
	for _, threads := range []int{1, 2, 3} {
		if err := torch.Init(threads); err != nil {
			t.Fatal(err)
		}
		_, gradient := valueAndGradient(t, "supcon", DefaultSupCon().Options, z, labels)
		if first == nil {
			first = gradient
		}
		for i := range first {
			if gradient[i] != first[i] {
				t.Fatalf("%d threads: gradient[%d] is %g, with 1 thread %g", threads, i,
					gradient[i], first[i])
			}
		}
	}
}

// batchOf makes a batch of n images with their latents, as a training step does.
func batchOf(s *torch.Scope, m *autoenc.AutoEncoder, images *torch.Tensor,
	labels []int) autoenc.Batch {
	return autoenc.Batch{Scope: s, Model: m, Images: images, Latent: m.Encode(images),
		Labels: labels}
}

func newModel(t testing.TB, seed int64) *autoenc.AutoEncoder {
	t.Helper()
	m, err := autoenc.New(784, seed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lossOf is the loss that the golden's name means.
func lossOf(name string) autoenc.ExtraLoss {
	augmented, cosine := DefaultSupCon(), DefaultSupCon()
	augmented.Augment = true
	cosine.Augment, cosine.Similarity, cosine.Temperature = true, Cosine, 0.1
	return map[string]autoenc.ExtraLoss{"notebook": DefaultNotebook(), "nt-xent": DefaultNTXent(),
		"supcon":           DefaultSupCon(),
		"supcon augmented": augmented, "supcon cosine": cosine}[name]
}

// All that a step does for a loss: what is drawn, augmented, encoded and chosen.
func TestBatchesArePyTorchs(t *testing.T) {
	g := readGolden(t).Batches
	labels := make([]int, g.Images)
	for i := range labels {
		labels[i] = i % 10
	}
	for _, c := range g.Cases {
		m := newModel(t, g.Seed)
		do(t, func(s *torch.Scope) {
			x := s.Uniform(s.Float32s(nil, 0), 0, 1, g.Images, 784)
			loss := lossOf(c.Loss).Loss(batchOf(s, m, x, labels))
			if got := loss.Item(); math.Abs(got-c.Value) > 1e-5*math.Abs(c.Value) {
				t.Errorf("%s: %.8g, PyTorch %.8g", c.Loss, got, c.Value)
			}
			loss.Backward()
			for i, p := range m.Encoder.Parameters("encoder.") {
				total := 0.0
				for _, v := range p.Grad(s).Float32s() {
					total += float64(v) * float64(v)
				}
				got, want := math.Sqrt(total), c.GradientNorms[i]
				if math.Abs(got-want) > 1e-4*want+1e-6 {
					t.Errorf("%s: gradient of %s has norm %.7g, PyTorch's %.7g", c.Loss, p.Name,
						got, want)
				}
			}
		})
	}
}

// A batch without a pair adds nothing.
func TestNoPair(t *testing.T) {
	m := newModel(t, 0)
	plain, augmented := DefaultSupCon(), DefaultSupCon()
	augmented.Augment = true
	for _, c := range []struct {
		name   string
		loss   autoenc.ExtraLoss
		labels []int
		adds   bool
	}{
		{"notebook, no images of a class", DefaultNotebook(), []int{11, 12, 13}, false},
		{"notebook, one image", DefaultNotebook(), []int{3}, false},
		{"nt-xent, one image", DefaultNTXent(), []int{3}, false},
		{"nt-xent, two images", DefaultNTXent(), []int{3, 3}, true},
		{"nt-xent, no labels", DefaultNTXent(), make([]int, 4), true},
		{"supcon, one image", plain, []int{3}, false},
		{"supcon, all different", plain, []int{3, 4, 5}, false},
		{"supcon, one class", plain, []int{3, 3, 3}, true},
		{"supcon augmented, one image", augmented, []int{3}, true},
		{"supcon augmented, all different", augmented, []int{3, 4, 5}, true},
	} {
		do(t, func(s *torch.Scope) {
			n := len(c.labels)
			x := s.Uniform(s.Float32s(nil, 0), 0, 1, n, 784)
			b := batchOf(s, m, x, c.labels)
			if c.name == "nt-xent, no labels" {
				b.Labels = nil
			}
			loss := c.loss.Loss(b)
			if (loss != nil) != c.adds {
				t.Errorf("%s: adds a loss: %v", c.name, loss != nil)
			}
			if loss != nil {
				if v := loss.Item(); math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s: %g", c.name, v)
				}
			}
		})
	}
}
