package report

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"latent/autoenc"
	"latent/internal/datasettest"
	"latent/internal/matrix"
	"latent/internal/run"
	"latent/tsne"
)

var update = flag.Bool("update", false, "take the screenshots of docs/explorer.md again")

const docs = "../../docs"

// digits is a page of every 15th training image of MNIST, its labels, two columns, and maps of
// the pixels with two perplexities.
func digits(t *testing.T) Report {
	t.Helper()
	d := datasettest.Open(t, "mnist").Train
	const every = 15
	pixels := matrix.Every(d.Images, 784, every)
	e := &Explorer{N: len(pixels) / 784, Labels: matrix.Every(d.Labels, 1, every),
		Row: "Training image", Stride: every,
		Pictures: &Pictures{Height: 28, Width: 28, Channels: 1, Pixels: pixels}}
	ink, shape := Column{Name: "ink"}, Column{Name: "kind", Names: []string{"bold", "fine"}}
	for c := range 10 {
		e.Classes = append(e.Classes, fmt.Sprint(c))
	}
	x := make([]float32, len(pixels))
	for i, v := range pixels {
		x[i] = float32(v) / 255
	}
	for i := range e.N {
		sum := float32(0)
		for _, v := range x[784*i : 784*(i+1)] {
			sum += v
		}
		ink.Numbers = append(ink.Numbers, sum/784)
		kind := 0
		if sum < 100 {
			kind = 1
		}
		shape.Categories = append(shape.Categories, kind)
	}
	e.Columns = []Column{ink, shape}
	for _, perplexity := range []float64{30, 100} {
		o := tsne.DefaultOptions()
		o.Perplexity = perplexity
		y, err := tsne.Fit(context.Background(), x, e.N, o)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("perplexity ", perplexity)
		e.Spaces = append(e.Spaces,
			Space{Name: name, Title: capital(name), Embedding: y.Y, KL: y.KL})
	}
	g, err := tsne.ApproximateNeighbors{}.Nearest(context.Background(), x, e.N, nil, e.N, 10)
	if err != nil {
		t.Fatal(err)
	}
	e.Neighbors, e.K = g.Index, g.K
	return Report{Title: "Digits", Explorer: e}
}

// classed is a page of n points in so many classes.
func classed(n, classes int) Report {
	rng := rand.New(rand.NewPCG(3, 3))
	e := &Explorer{N: n, Spaces: []Space{{Name: "map", KL: math.NaN()}}}
	for c := range classes {
		e.Classes = append(e.Classes, fmt.Sprintf("class %d", c))
	}
	for i := range n {
		c := i % classes
		angle, radius := 2.4*float64(c), 4*math.Sqrt(float64(c))
		e.Labels = append(e.Labels, c)
		e.Spaces[0].Embedding = append(e.Spaces[0].Embedding,
			float32(radius*math.Cos(angle)+rng.NormFloat64()),
			float32(radius*math.Sin(angle)+rng.NormFloat64()))
	}
	return Report{Title: fmt.Sprintf("%s points, %d classes", thousands(n), classes), Explorer: e}
}

// compared are made-up runs side by side, and say so.
func compared(r Report) Report {
	r = Report{AsNamed: true, Title: "run-a, run-b, run-c (made-up numbers)", Explorer: r.Explorer}
	e := *r.Explorer
	e.SideBySide, e.Neighbors, e.K = true, nil, 0
	e.Spaces = nil
	for k, name := range []string{"run-a, original", "run-a, reconstruction",
		"run-b, reconstruction", "run-c, reconstruction"} {
		y := r.Explorer.Spaces[k%2].Embedding
		if k > 0 {
			y = append([]float32(nil), y...)
			align(y, e.Spaces[0].Embedding)
		}
		e.Spaces = append(e.Spaces, Space{Name: name, Title: name, Embedding: y, KL: math.NaN()})
		r.Accuracy = append(r.Accuracy,
			Accuracy{Space: name,
				Euclidean: run.Splits{Train: 0.8 + 0.05*float64(k), Test: 0.79 + 0.05*float64(k)}})
		if k > 0 {
			s := run.Series{Model: name}
			for step := 1; step <= 1180; step++ {
				s.Losses = append(s.Losses,
					autoenc.Loss{Step: step,
						Loss: float32(0.02*float64(k) +
							0.2*math.Exp(-float64(step)/float64(80*k)))})
			}
			r.Losses = append(r.Losses, s)
		}
	}
	r.Explorer = &e
	return r
}

// The screenshots of docs/explorer.md are there; -update takes them again. Look at them then.
func TestScreenshots(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "explorer.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`\]\((explorer/[a-z0-9-]+\.png)\)`).FindAllSubmatch(text, -1)
	if len(shown) < 5 {
		t.Errorf("docs/explorer.md shows %d pictures", len(shown))
	}
	for _, name := range shown {
		b, err := os.ReadFile(filepath.Join(docs, string(name[1])))
		if err == nil {
			_, err = png.DecodeConfig(bytes.NewReader(b))
		}
		if err != nil || len(b) > 700_000 {
			t.Errorf("%s: %d bytes, %v", name[1], len(b), err)
		}
	}
	if !*update {
		return
	}
	all := digits(t)
	lasso := func(b *tab) {
		b.Run(`(() => {
			const { width, height } = explorer.view, path = Array.from({ length: 60 }, (_, k) => ({ x: width * 0.28 + 110 * Math.cos(k / 9.5), y: height * 0.42 + 110 * Math.sin(k / 9.5) }));
			explorer.selection.set(within(path, "lasso", explorer.each), "set");
		})()`)
		x, y := b.place(eval[int](b, "explorer.selection.rows()[7]"))
		b.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y)
	}
	bar := func(b *tab) {
		b.Run(
			`(() => { const s = document.querySelector("#x-colour"); s.value = [...s.options].findIndex((o) => o.text === "ink"); s.dispatchEvent(new Event("change")); })()`)
	}
	for _, c := range []struct {
		name          string
		r             Report
		width, height int64
		theme         string
		act           func(*tab)
	}{
		{"desktop", all, 1200, 900, "light", lasso},
		{"dark", all, 1200, 760, "dark", bar},
		{"phone", all, 390, 844, "light", nil},
		{"phone-dark", compared(all), 390, 844, "dark", nil},
		{"runs", compared(all), 1200, 1500, "light", nil},
		{"two", classed(3000, 2), 1000, 640, "light", nil},
		{"many", classed(20_000, 200), 1000, 640, "dark", nil},
		{"few", classed(50, 2), 1000, 640, "light", nil},
		{"million", crowd(1_000_000), 1000, 640, "light", nil},
		{"million-zoomed", crowd(1_000_000), 1000, 640, "dark",
			func(b *tab) { b.Run("explorer.view.zoomBy(5)") }},
	} {
		b := openReport(t, c.r, "", "")
		b.Media("prefers-color-scheme", c.theme)
		if c.width < 500 {
			b.Do(chromedp.EmulateViewport(c.width, c.height, chromedp.EmulateMobile,
				chromedp.EmulateTouch, chromedp.EmulateScale(2)))
		} else {
			b.Do(chromedp.EmulateViewport(c.width, c.height))
		}
		b.Run(
			`(c => c.name.startsWith("runs") || document.querySelector("#explorer").scrollIntoView({ behavior: "instant" }))({ name: "` + c.name + `" })`)
		b.Until("explorer.hasGrid()")
		if c.act != nil {
			c.act(b)
		}
		b.settle()
		b.Wait("new Promise((done) => setTimeout(done, 300))")
		shot, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
		b.Check(err)
		b.Check(os.MkdirAll(filepath.Join(docs, "explorer"), 0o755))
		b.Check(os.WriteFile(filepath.Join(docs, "explorer", c.name+".png"), shot, 0o644))
		b.Quiet()
	}
}
