//go:build linux && cgo

package notebook

import (
	"context"
	"io"
	"path/filepath"
	"sync"

	"latent/internal/figure"
	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/train"
)

// figures are the names of the pictures, figures/NAME.png, in the report's order.
func (b *book) figures() []string {
	names := []string{"tsne"}
	if b.contrastive != nil {
		names = append(names, "tsne-contrastive")
	}
	if b.images() {
		names = append(names, "reconstructions")
	}
	names = append(names, "loss")
	if b.hasLabels() {
		names = append(names, "accuracy")
	}
	if b.images() {
		names = append(names, "sample")
	}
	return names
}

// drawing holds the numbers behind all figures. Its methods, in the files of their
// cells, draw one each.
type drawing struct {
	data                          *train.Data
	classes                       []string
	losses                        []run.Series
	accuracies                    []run.AccuracySeries
	images                        []figure.ImageRow
	original, latent, contrastive figure.Panel
}

// picture returns the method that draws the named figure.
func (d *drawing) picture(name string) func(w io.Writer, format string) error {
	switch name {
	case "sample":
		return d.sample
	case "loss":
		return d.lossCurves
	case "accuracy":
		return d.accuracyCurves
	case "tsne":
		return d.scatter
	case "tsne-contrastive":
		return d.contrastiveScatter
	}
	return d.reconstructions
}

// gather collects the numbers behind all figures.
func (b *book) gather(ctx context.Context) (*drawing, error) {
	d := &drawing{data: b.data, classes: b.classes()}
	var err error
	if d.losses, err = b.losses(); err != nil {
		return nil, err
	}
	if d.accuracies, err = b.accuracies(); err != nil {
		return nil, err
	}
	if d.images, err = b.reconstruct(ctx); err != nil {
		return nil, err
	}
	if d.original, err = b.panel(b.original, "Original"); err != nil {
		return nil, err
	}
	if d.latent, err = b.panel(b.reconstruction, "Latent"); err != nil {
		return nil, err
	}
	if b.contrastive != nil {
		d.contrastive, err = b.panel(b.contrastive, "Autoencoder with Contrastive Learning")
	}
	return d, err
}

// drawFigures draws all pictures, one per core at a time.
func (b *book) drawFigures(ctx context.Context, label string) (none, error) {
	d, err := b.gather(ctx)
	if err != nil {
		return none{}, err
	}
	names := b.figures()
	var wg sync.WaitGroup
	errs := make([]error, len(names))
	slots := make(chan struct{}, b.o.Threads)
	var mu sync.Mutex
	drawn := 0
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = figure.Save(b.folder.Path(filepath.Join("figures", name)),
					d.picture(name))
			}
			mu.Lock()
			defer mu.Unlock()
			drawn++
			b.report.Update(progress.Status{Label: label, Unit: "figures", Done: drawn,
				Total: len(names)})
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}
