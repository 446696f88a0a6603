package notebook

import (
	"context"
	"io"
	"path/filepath"
	"sync"

	"latent/dataset"
	"latent/internal/figure"
	"latent/internal/progress"
	"latent/internal/run"
)

// shownImages is the number of test images that are shown with their
// reconstructions.
const shownImages = 10

// picture is one figure of the notebook.
type picture struct {
	name string // figures/NAME.png
	draw func(w io.Writer, format string) error
}

func (b *book) figureNames() []string {
	names := []string{"sample", "loss", "tsne", "reconstructions"}
	if len(b.models()) > 1 {
		names = append(names, "tsne-contrastive")
	}
	return names
}

func (b *book) figureFiles() []string {
	var files []string
	for _, name := range b.figureNames() {
		for _, format := range formats {
			files = append(files, filepath.Join("figures", name+"."+format))
		}
	}
	return files
}

// drawFigures draws the pictures of cells 1, 4, 6 and 10, and reconstructions,
// one a core at a time.
func (b *book) drawFigures(ctx context.Context, label string) (any, error) {
	pictures, err := b.pictures(ctx)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(pictures))
	slots := make(chan struct{}, b.o.Threads)
	var mu sync.Mutex
	drawn := 0
	for i, p := range pictures {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = writeFigure(b.folder.Path(filepath.Join("figures", p.name)), p.draw)
			}
			mu.Lock()
			defer mu.Unlock()
			drawn++
			b.report.Update(progress.Status{Label: label, Unit: "figures", Done: drawn, Total: len(pictures)})
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// pictures gathers the numbers behind all figures.
func (b *book) pictures(ctx context.Context) ([]picture, error) {
	train, test := b.data.Train, b.data.Test
	sample := floats(train, 1)
	shown := min(shownImages, test.N)
	images := []figure.ImageRow{{Label: "test image", Pixels: floats(test, shown)}}
	var curves []run.Series
	for _, c := range b.models() {
		rows, err := run.ReadLosses(b.folder.Path(c.Space()))
		if err != nil {
			return nil, err
		}
		curves = append(curves, run.Series{Model: c.Space(), Losses: rows})
		m, err := OpenModel(b.folder.Path(c.Space()), b.o.Device, b.o.Threads)
		if err != nil {
			return nil, err
		}
		few := *test
		few.N, few.Images = shown, test.Images[:shown*test.Rows*test.Cols]
		pixels, err := m.Reconstruct(ctx, samples(&few))
		if err != nil {
			return nil, err
		}
		images = append(images, figure.ImageRow{Label: c.Space(), Pixels: pixels})
	}
	panels := map[string]figure.Panel{}
	for _, space := range b.spaces() {
		y, err := b.embedding(space)
		if err != nil {
			return nil, err
		}
		panels[space] = figure.Panel{XY: y.Data, Labels: b.labels()}
	}
	two := []figure.Panel{panels["original"], panels["reconstruction"]}
	two[0].Title, two[1].Title = "Original", "Latent"
	o := figure.DefaultPanelOptions()
	if b.data.Name != "mnist" {
		o.Names = ClassNames(b.data.Name)
	}
	pictures := []picture{
		{"tsne", func(w io.Writer, format string) error { return figure.Panels(w, format, two, o) }},
		{"sample", func(w io.Writer, format string) error {
			title := "First training image: " + ClassNames(b.data.Name)[train.Labels[0]]
			return figure.Sample(w, format, title, sample, train.Rows, train.Cols)
		}},
		{"loss", func(w io.Writer, format string) error { return figure.Loss(w, format, curves...) }},
		{"reconstructions", func(w io.Writer, format string) error {
			return figure.Reconstructions(w, format, images, test.Rows, test.Cols)
		}},
	}
	if one, ok := panels["contrastive"]; ok {
		one.Title = "Autoencoder with Contrastive Learning"
		rows := o
		rows.LegendRows = 2
		pictures = append(pictures, picture{"tsne-contrastive", func(w io.Writer, format string) error {
			return figure.Panels(w, format, []figure.Panel{one}, rows)
		}})
	}
	return pictures, nil
}

// floats are the first n images of a split, 0 to 1.
func floats(s *dataset.Split, n int) []float32 {
	first := dataset.Split{Images: s.Images[:n*s.Rows*s.Cols], N: n, Rows: s.Rows, Cols: s.Cols}
	return first.Floats()
}

// ClassNames are the names of a dataset's ten classes.
func ClassNames(name string) []string {
	switch name {
	case "fashion-mnist":
		return []string{"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"}
	case "kmnist":
		return []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}
	}
	return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
}
