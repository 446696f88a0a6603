package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latent/autoenc"
	"latent/internal/run"
)

// clusters returns n points in ten elongated clusters, like a t-SNE, and their
// classes.
func clusters(n int, seed uint64) (xy []float32, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 7))
	for i := range n {
		c := i * 7 % 10
		angle := 2 * math.Pi * float64(c) / 10
		r, across := 60+22*rng.NormFloat64()*0.6, 7*rng.NormFloat64()
		if c%3 == 0 {
			r, across = 30+9*rng.NormFloat64(), 8*rng.NormFloat64()
		}
		sin, cos := math.Sincos(angle)
		xy = append(xy, float32(r*cos-across*sin), float32(r*sin+across*cos))
		labels = append(labels, c)
	}
	return xy, labels
}

// losses returns the losses of n steps, like those of the autoencoder.
func losses(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]float64, n)
	for i := range out {
		out[i] = (0.012 + 0.1/(1+float64(i)/20)) * math.Exp(0.03*rng.NormFloat64())
	}
	return out
}

// series is a model's losses, which are float32.
func series(model string, losses ...float64) run.Series {
	s := run.Series{Model: model}
	for i, v := range losses {
		s.Losses = append(s.Losses,
			autoenc.Loss{Step: i + 1, Epoch: 1, Loss: float32(v), Reconstruction: float32(v)})
	}
	return s
}

// digit returns a 28 x 28 picture of a ring.
func digit(radius float64) []float32 {
	out := make([]float32, 784)
	for i := range out {
		dx, dy := float64(i%28)-13.5, float64(i/28)-13.5
		out[i] = float32(math.Exp(-math.Pow(math.Hypot(dx, dy*0.7)-radius, 2) / 4))
	}
	return out
}

// examples draws each figure in the given format.
func examples(t *testing.T, n int) map[string]func(format string) []byte {
	left, labels := clusters(n, 1)
	right, _ := clusters(n, 2)
	call := func(f func(*bytes.Buffer) error) []byte {
		t.Helper()
		var buf bytes.Buffer
		if err := f(&buf); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	o := DefaultPanelOptions()
	two := o
	two.LegendRows = 2
	fashion := two
	fashion.Names = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
		"Shirt", "Sneaker", "Bag", "Ankle boot"}
	var images [3][]float32
	for i := range 10 {
		images[0] = append(images[0], digit(4+float64(i)/2)...)
		images[1] = append(images[1], digit(4.3+float64(i)/2)...)
		images[2] = append(images[2], digit(3.8+float64(i)/2.2)...)
	}
	pair := []Panel{{"Original", left, labels}, {"Latent", right, labels}}
	return map[string]func(format string) []byte{
		"loss": func(f string) []byte {
			return call(func(w *bytes.Buffer) error {
				return Loss(w, f,
					series("reconstruction", losses(1180)...))
			})
		},
		"loss-two": func(f string) []byte {
			return call(func(w *bytes.Buffer) error {
				return Loss(w, f, series("reconstruction", losses(29500)...),
					series("contrastive", 3, 2, 1.5, 1.2, 1.1, 1))
			})
		},
		"accuracy": func(f string) []byte {
			rows := make([]run.EpochAccuracy, 30)
			for i := range rows {
				v := 0.9 - 0.3/float64(i+1)
				rows[i] = run.EpochAccuracy{Epoch: 10 * (i + 1),
					Original: run.Splits{Test: 0.8203},
					Latent:   run.Splits{Test: v}, Cosine: run.Splits{Test: v + 0.05}}
			}
			models := []run.AccuracySeries{{Model: "reconstruction", Rows: rows},
				{Model: "contrastive", Rows: rows[:9]}}
			return call(func(w *bytes.Buffer) error {
				return Accuracy(w, f,
					run.AccuracyCurves(models))
			})
		},
		"accuracy-none": func(f string) []byte {
			return call(func(w *bytes.Buffer) error { return Accuracy(w, f, nil) })
		},
		"tsne": func(f string) []byte {
			return call(func(w *bytes.Buffer) error { return Panels(w, f, pair, o) })
		},
		"tsne-contrastive": func(f string) []byte {
			return call(func(w *bytes.Buffer) error {
				return Panels(w, f,
					[]Panel{{"Autoencoder with Contrastive Learning", right, labels}}, two)
			})
		},
		"tsne-fashion": func(f string) []byte {
			return call(func(w *bytes.Buffer) error { return Panels(w, f, pair[:1], fashion) })
		},
		"sample": func(f string) []byte {
			return call(func(w *bytes.Buffer) error {
				return Sample(w, f, "First training image",
					digit(8), 28, 28)
			})
		},
		"reconstructions": func(f string) []byte {
			return call(func(w *bytes.Buffer) error {
				return Reconstructions(w, f,
					[]ImageRow{{"Test image", images[0]}, {"Reconstruction", images[1]},
						{"Contrastive", images[2]}}, 28, 28)
			})
		},
	}
}

// TestWriteExamples leaves the pictures and their numbers in the folder that the
// environment names, for a look; see scripts/compare/figures.py.
func TestWriteExamples(t *testing.T) {
	dir := os.Getenv("FIGURES")
	if dir == "" {
		t.Skip("FIGURES names no folder")
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, draw := range examples(t, 20000) {
		for _, format := range []string{"png", "svg", "pdf"} {
			write(name+"."+format, draw(format))
		}
	}
	var text strings.Builder
	for _, v := range losses(1180) {
		fmt.Fprintln(&text, v)
	}
	write("losses.txt", []byte(text.String()))
	text.Reset()
	left, labels := clusters(20000, 1)
	right, _ := clusters(20000, 2)
	for i, l := range labels {
		fmt.Fprintf(&text, "%v,%v,%v,%v,%d\n", left[2*i], left[2*i+1], right[2*i], right[2*i+1], l)
	}
	write("points.csv", []byte(text.String()))
	text.Reset()
	for i, v := range digit(8) {
		fmt.Fprint(&text, v, map[bool]string{true: "\n", false: ","}[i%28 == 27])
	}
	write("sample.csv", []byte(text.String()))
}

func decode(t *testing.T, data []byte) *image.RGBA {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*image.RGBA)
}

func TestPreview(t *testing.T) {
	var buf bytes.Buffer
	nan := float32(math.NaN())
	lines := []ImageRow{{Pixels: []float32{0, 1, 0.5, 2, -1, nan}}, {Pixels: []float32{1, 1, 1}}}
	if err := Preview(&buf, lines, 1, 3); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	const side = 28 // pixels for each of the three
	if got := m.Bounds().Size(); got != image.Pt(2*3*side+4, 2*side+4) {
		t.Fatalf("the picture is %v", got)
	}
	at := func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA) }
	for _, c := range []struct {
		x, y, grey int
		alpha      uint8
	}{{0, 0, 0, 255}, {side, 0, 255, 255}, {3*side - 1, side - 1, 128, 255}, {3*side + 1, 5, 0, 0},
		{3*side + 4, 5, 255, 255},
		{4*side + 4, 5, 0, 255}, {5*side + 4, 5, 0, 255}, {side, side + 1, 0, 0}, {side, side + 4,
			255, 255}, {4 * side, side + 9, 0, 0}} {
		if got := at(c.x, c.y); got.A != c.alpha || math.Abs(float64(int(got.R)-c.grey)) > 1 {
			t.Errorf("(%d, %d) is %v, want grey %d, alpha %d", c.x, c.y, got, c.grey, c.alpha)
		}
	}
	if err := Preview(&buf, lines, 2, 3); err == nil {
		t.Error("three pixels are a picture of 2 x 3")
	}
}

// The frames of a moving picture are those that went in, whole PNGs once their chunks have
// their names back, and the last one stands still.
func TestAnimate(t *testing.T) {
	white := color.RGBA{255, 255, 255, 255}
	var frames []Frame
	for k := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 5, 4),
			color.Palette{white, color.RGBA{0, 0, 0, 255}, color.RGBA{255, 0, 0, 255}})
		m.SetColorIndex(k, k, 2)
		frames = append(frames, Frame{m, time.Duration(k+1) * 100 * time.Millisecond})
	}
	var buf bytes.Buffer
	if err := Animate(&buf, frames); err != nil {
		t.Fatal(err)
	}
	still, err := png.Decode(bytes.NewReader(buf.Bytes())) // which checks every chunk's sum
	if err != nil || still.At(2, 2) != frames[2].Image.At(2, 2) || still.At(0, 0) != white {
		t.Fatalf("the picture that stands still: %v", err)
	}
	be := binary.BigEndian
	var head, number []byte
	seen := -1
	for b := buf.Bytes()[8:]; len(b) > 0; b = b[12+be.Uint32(b):] {
		kind, data := string(b[4:8]), b[8:8+be.Uint32(b)]
		switch kind {
		case "IHDR", "PLTE":
			head = append(head, b[:12+len(data)]...)
		case "acTL":
			if be.Uint32(data) != 3 || be.Uint32(data[4:]) != 0 {
				t.Errorf("acTL %v", data)
			}
		case "fcTL":
			seen++
			number = be.AppendUint32(nil, be.Uint32(data)+1)
			if got := 1000 * int(be.Uint16(data[20:])) / int(be.Uint16(data[22:])); got !=
				100*(seen+1) || be.Uint32(data[4:]) != 5 || be.Uint32(data[8:]) != 4 {
				t.Errorf("frame %d: %v, stays %d ms", seen, data, got)
			}
		case "fdAT":
			if !bytes.HasPrefix(data, number) {
				t.Errorf("frame %d is number %v, want %v", seen, data[:4], number)
			}
			var one bytes.Buffer
			one.WriteString("\x89PNG\r\n\x1a\n")
			one.Write(head)
			out := chunkWriter{w: &one}
			out.write("IDAT", data[4:])
			out.write("IEND", nil)
			m, err := png.Decode(&one)
			if err != nil || m.At(seen, seen) != frames[seen].Image.At(seen, seen) ||
				m.At(seen+1, seen) != white {
				t.Errorf("frame %d: %v", seen, err)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d frames", seen+1)
	}
	if Animate(&buf, nil) == nil {
		t.Error("no frames are a picture")
	}
}
