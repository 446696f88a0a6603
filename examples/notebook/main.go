//go:build linux && cgo

// The PyTorch notebook on unsupervised classifiers on one page, its ten cells in order:
//
//	go run ./examples/notebook              20 epochs a model, a few minutes
//	go run ./examples/notebook -epochs 500  the notebook's own count
//
// It downloads MNIST into data and writes its pictures to runs/example.
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"latent/autoenc"
	"latent/centroid"
	"latent/dataset"
	"latent/torch"
	"latent/tsne"
)

func main() {
	epochs := flag.Int("epochs", 20, "passes over the training images; the notebook makes 500")
	limit := flag.Int("limit", 60000, "use only the first so many images of each split")
	data := flag.String("data", "data", "folder of the data sets")
	out := flag.String("out", "runs/example", "folder for the pictures")
	flag.Parse()
	log.SetFlags(0)
	fmt.Print(notebook(*epochs, *limit, *data, *out))
}

// accuracies are the nearest centroids' of one space: train and test, 0 to 1.
type accuracies struct {
	space       string
	train, test float64
}

func (a accuracies) String() string {
	return fmt.Sprintf("%-15s train %.2f %%  test %.2f %%\n", a.space, 100*a.train, 100*a.test)
}

func notebook(epochs, limit int, data, out string) []accuracies {
	ctx := context.Background()
	check(os.MkdirAll(out, 0o777))
	// Cell 1. The images stay bytes; FromPixels divides by 255, as ToTensor does.
	must(dataset.Fetch(ctx, data, "mnist", dataset.DefaultFetchOptions()))
	mnist := must(dataset.Open(data, "mnist"))
	train, test := mnist.Train.First(limit), mnist.Test.First(limit)
	showImage(out+"/sample.png", train)

	// Cells 2 and 3 (problems 1 and 2): model, loss, optimizer, training.
	model, losses := trainModel(ctx, train, epochs, nil)

	// Cell 4: the loss curve.
	plotLosses(out+"/loss.png", losses)

	// Cell 5: latent vectors of all images, t-SNE of every third one.
	orgs := [2][]float32{train.Floats(), test.Floats()}
	outs := encode(ctx, model, train, test)
	labels := everyThird(train.Labels, 1)
	outsTSNE := fitTransform(ctx, everyThird(outs[0], 50), len(labels))
	orgsTSNE := fitTransform(ctx, everyThird(orgs[0], 784), len(labels))

	// Cell 6: the maps side by side.
	plotMaps(out+"/tsne.png", 10, labels, []string{"Original", "Latent"}, orgsTSNE, outsTSNE)

	// Cell 7 (problem 3): nearest centroids in both spaces.
	results := []accuracies{nearestCentroid("original", orgs, train, test),
		nearestCentroid("reconstruction", outs, train, test)}

	// Cells 8 and 9 (problem 4): a fresh model with the contrastive loss, below.
	model2, _ := trainModel(ctx, train, epochs, contrastiveLoss{tau: 0.5})

	// Cell 10: again.
	outs = encode(ctx, model2, train, test)
	outsTSNE = fitTransform(ctx, everyThird(outs[0], 50), len(labels))
	title := []string{"Autoencoder with Contrastive Learning"}
	plotMaps(out+"/tsne-contrastive.png", 5, labels, title, outsTSNE)
	return append(results, nearestCentroid("contrastive", outs, train, test))
}

// trainModel is cells 2, 3 and 9.
func trainModel(ctx context.Context, train *dataset.Split, epochs int, extra autoenc.ExtraLoss) (
	*autoenc.AutoEncoder, []autoenc.Loss) {
	// encoder: Linear(784, 1000), ReLU, Linear(1000, 25), ReLU, Linear(25, 50)
	// decoder: ReLU, Linear(50, 1000), ReLU, Linear(1000, 784)
	model := must(autoenc.New(28*28, 0)) // torch.manual_seed(0); AutoEncoder(28*28)
	o := autoenc.DefaultOptions()        // MSELoss, Adam(1e-3, weight_decay=1e-8), batches of 1024
	o.Epochs, o.Extra = epochs, extra
	o.Progress = func(p autoenc.Progress) { // progress.set_description(f"{losses[-1]:e}")
		if p.Step%(p.Steps/p.Epochs) == 0 {
			fmt.Fprintf(os.Stderr, "epoch %d/%d  %e\n", p.Epoch, p.Epochs, p.Loss.Loss)
		}
	}
	images := autoenc.FromPixels(train.Images, train.N)
	trainer := must(autoenc.NewTrainer(model, images, train.Labels, o))
	defer trainer.Close()
	check(trainer.Run(ctx))
	return model, trainer.Losses()
}

// contrastiveLoss is cell 8. The trainer adds it to each batch's reconstruction loss.
type contrastiveLoss struct{ tau float64 }

// Loss draws two classes, cuts their latent vectors to the same count, and compares.
func (l contrastiveLoss) Loss(b autoenc.Batch) *torch.Tensor {
	classes := must(torch.RandPerm(10)) // a1 and a2 are the first two
	var rows [2][]int64
	for i, label := range b.Labels {
		for side := range rows {
			if int64(label) == classes[side] {
				rows[side] = append(rows[side], int64(i))
			}
		}
	}
	n := min(len(rows[0]), len(rows[1]))
	if n == 0 {
		return nil // loss_ctr = 0
	}
	z := b.Latent.Rows(torch.From(b.Scope, "cpu", rows[0][:n], n)).Normalize(1)
	zNeg := b.Latent.Rows(torch.From(b.Scope, "cpu", rows[1][:n], n)).Normalize(1)
	sim := z.Mul(zNeg).SumDim(1)
	return sim.Scale(1/l.tau, 0).Softplus().Mean() // log(1 + exp(sim / tau)).mean()
}

// encode returns the latent vectors of each split, 50 values per image.
func encode(ctx context.Context, m autoenc.Model, splits ...*dataset.Split) (outs [2][]float32) {
	for i, s := range splits {
		outs[i] = must(autoenc.Encode(ctx, m, autoenc.FromPixels(s.Images, s.N)))
	}
	return outs
}

// everyThird is x[::3] of rows of d values.
func everyThird[T any](x []T, d int) (rows []T) {
	for i := 0; i < len(x); i += 3 * d {
		rows = append(rows, x[i:i+d]...)
	}
	return rows
}

// fitTransform is TSNE(n_components=2, random_state=3).fit_transform(x), by a schedule that
// ends at a lower divergence in fewer iterations (tsne.ScikitLearnOptions has scikit-learn's).
func fitTransform(ctx context.Context, x []float32, n int) []float32 {
	o := tsne.DefaultOptions()
	o.Seed = 3
	o.Progress = func(p tsne.Progress) {
		if p.Iteration%50 == 0 {
			fmt.Fprintf(os.Stderr, "t-SNE: %s %d/%d\n", p.Stage, p.Iteration, p.Iterations)
		}
	}
	return must(tsne.Fit(ctx, x, n, o)).Y
}

// nearestCentroid classifies the rows of both splits by the nearest, in the 2-norm,
// of the training rows' class means.
func nearestCentroid(space string, x [2][]float32, train, test *dataset.Split) accuracies {
	mu := must(centroid.Fit(x[0], train.N, train.Labels, centroid.Euclidean))
	return accuracies{space,
		centroid.Accuracy(must(mu.Predict(x[0], train.N)), train.Labels),
		centroid.Accuracy(must(mu.Predict(x[1], test.N)), test.Labels)}
}

// showImage is plt.imshow of the first image.
func showImage(path string, s *dataset.Split) {
	save(path, &image.Gray{Pix: s.Images, Stride: s.Cols, Rect: image.Rect(0, 0, s.Cols, s.Rows)})
}

// plotLosses is plt.semilogy(losses).
func plotLosses(path string, losses []autoenc.Loss) {
	xys := make(plotter.XYs, len(losses))
	for i, l := range losses {
		xys[i] = plotter.XY{X: float64(l.Step), Y: float64(l.Loss)}
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text = "Training Loss", "Iterations"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid(), must(plotter.NewLine(xys)))
	check(p.Save(4.8*vg.Inch, 3*vg.Inch, path))
}

// cycle is matplotlib's C0 to C9.
var cycle = [10]color.NRGBA{{31, 119, 180, 255}, {255, 127, 14, 255}, {44, 160, 44, 255},
	{214, 39, 40, 255}, {148, 103, 189, 255}, {140, 86, 75, 255}, {227, 119, 194, 255},
	{127, 127, 127, 255}, {188, 189, 34, 255}, {23, 190, 207, 255}}

// plotMaps is ax.scatter(*map.T, alpha=0.1, c=labels) for each map (4.8 x 3 in) under one legend.
func plotMaps(path string, columns int, labels []int, titles []string, maps ...[]float32) {
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(len(maps))*345.6, 216), vgimg.UseDPI(200))
	page := draw.New(canvas)
	plots := [][]*plot.Plot{make([]*plot.Plot, len(maps))}
	for k, y := range maps {
		xys := make(plotter.XYs, len(labels))
		for i := range xys {
			xys[i] = plotter.XY{X: float64(y[2*i]), Y: float64(y[2*i+1])}
		}
		points := must(plotter.NewScatter(xys))
		points.GlyphStyleFunc = func(i int) draw.GlyphStyle {
			c := cycle[labels[i]]
			c.A = 26
			return draw.GlyphStyle{Color: c, Radius: 2.2, Shape: draw.CircleGlyph{}}
		}
		plots[0][k] = plot.New()
		plots[0][k].Title.Text = titles[k]
		plots[0][k].Add(plotter.NewGrid(), points)
	}
	text := plots[0][0].Legend.TextStyle
	for class, c := range cycle {
		at := vg.Point{X: page.Center().X + vg.Length(class%columns*24-columns*12),
			Y: page.Max.Y - vg.Length(8+class/columns*14)}
		page.DrawGlyph(draw.GlyphStyle{Color: c, Radius: 4, Shape: draw.CircleGlyph{}}, at)
		page.FillText(text, at.Add(vg.Point{X: 7, Y: -4}), strconv.Itoa(class))
	}
	area := draw.Crop(page, 0, 0, 0, -vg.Length(10/columns*14+4))
	tiles := plot.Align(plots, draw.Tiles{Rows: 1, Cols: len(maps), PadX: 12}, area)
	for k, p := range plots[0] {
		p.Draw(tiles[0][k])
	}
	save(path, canvas.Image())
}

func save(path string, img image.Image) {
	f := must(os.Create(path))
	check(png.Encode(f, img))
	check(f.Close())
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal("notebook: ", err)
	}
}
