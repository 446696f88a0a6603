package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"latent/autoenc"
	"latent/internal/run"
)

// hostile is a text that breaks out of a page that does not escape it.
const hostile = `</script><script>alert(1)</script><!--"'&`

// sample is a full report of n points in ten classes and three spaces. Image i is
// black but for its first row, whose grey is i mod 251.
func sample(n int) Report {
	rng := rand.New(rand.NewPCG(7, 7))
	e := &Explorer{N: n, Row: "Training image", Stride: 3, Labels: make([]int, n),
		Pictures: &Pictures{Height: 28, Width: 28, Channels: 1, Pixels: make([]byte, n*784)}}
	for c := range 10 {
		e.Classes = append(e.Classes, fmt.Sprint(c))
	}
	e.Classes[9] = hostile
	for i := range n {
		e.Labels[i] = i % 10
		for x := range 28 {
			e.Pictures.Pixels[784*i+x] = byte(i % 251)
		}
	}
	for k, name := range []string{"original", "reconstruction", "contrastive"} {
		s := Space{Name: name, KL: 2.5 - float64(k)/2}
		for i, label := range e.Labels {
			angle := float64(label+3*k) * math.Pi / 5
			s.Embedding = append(s.Embedding,
				float32(40*math.Cos(angle)+5*rng.NormFloat64()),
				float32(40*math.Sin(angle)+5*rng.NormFloat64()))
			predicted := label
			if i%(5+k) == 0 {
				predicted = (label + 1) % 10
			}
			s.Predicted = append(s.Predicted, predicted)
		}
		e.Spaces = append(e.Spaces, s)
	}
	seed := int64(3)
	losses := []run.Series{{Model: "reconstruction"}, {Model: "contrastive"}}
	for step := 1; step <= 2500; step++ {
		for k := range losses {
			losses[k].Losses = append(losses[k].Losses,
				autoenc.Loss{Step: step, Loss: 0.01 + float32(k)/10 + 1/float32(step)})
		}
	}
	return Report{
		Title: "Nearest centroids & " + hostile, Command: "bin/latent notebook --out " + hostile,
		Dataset: "mnist", Epochs: 20, Seed: &seed, Device: "cpu", Libtorch: "1.13.1",
		Date:   "1 May 2026",
		Config: []Setting{{"batch size", "1024"}, {"seed", "3"}, {hostile, hostile}},
		Accuracy: []Accuracy{
			{"original", run.Splits{Train: 0.8080, Test: 0.8203},
				&run.Splits{Train: 0.8212, Test: 0.83}},
			{"reconstruction", run.Splits{Train: 0.74, Test: 0.7541}, nil},
		},
		Scores: []Score{{"knn 20, cosine-weighted", "original",
			run.Splits{Train: 0.9728, Test: 0.9712}},
			{hostile, hostile, run.Splits{}}},
		MSE:     []MSE{{"reconstruction", run.Splits{Train: 0.0151, Test: 0.0153}}},
		Seconds: []Timing{{"reconstruction", 92.4}, {"t-SNE", 3725}},
		Losses:  losses,
		Epochwise: []run.AccuracySeries{{Model: "contrastive", Rows: []run.EpochAccuracy{
			{Epoch: 1, Original: run.Splits{Test: 0.82}, Latent: run.Splits{Test: 0.5},
				Cosine: run.Splits{Test: 0.625}},
			{Epoch: 20, Original: run.Splits{Test: 0.82}, Latent: run.Splits{Test: 0.7541},
				Cosine: run.Splits{Test: 0.9}}}}},
		Notes: []string{"Accuracies move with the seed.", hostile},
		Figures: []Figure{
			{"Loss", "A falling curve", testPNG()},
			{hostile, hostile,
				[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>`)},
		},
		Explorer: e,
	}
}

func testPNG() []byte {
	m := image.NewGray(image.Rect(0, 0, 60, 30))
	m.Set(3, 3, color.White)
	var buf bytes.Buffer
	if err := png.Encode(&buf, m); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func render(t testing.TB, r Report) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, r); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}
