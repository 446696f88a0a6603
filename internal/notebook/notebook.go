// Package notebook runs the notebook's ten cells: it trains models into run
// folders, measures them, embeds, draws and reports, and knows what of it is
// finished.
package notebook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"latent/centroid"
	"latent/dataset"
	"latent/internal/progress"
)

// Version is this program's.
const Version = "0.1.0"

// Reporter is told how work goes on; *progress.Display is one.
type Reporter interface {
	Update(progress.Status)
	Printf(format string, args ...any)
}

// OpenData opens a dataset, fetching what is missing (cell 1). limit keeps only
// the first so many images of each split, 0 all.
func OpenData(ctx context.Context, dir, name string, limit int, r Reporter) (*Data, error) {
	d, err := dataset.Open(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		r.Printf("%s is not complete in %s: fetching it", name, dir)
		if _, err = FetchData(ctx, dir, name, r); err == nil {
			d, err = dataset.Open(dir, name)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, s := range []*dataset.Split{d.Train, d.Test} {
		if limit > 0 && limit < s.N {
			s.N, s.Images, s.Labels = limit, s.Images[:limit*s.Rows*s.Cols], s.Labels[:limit]
		}
	}
	return &Data{Dataset: d, original: map[centroid.Metric]Classified{}}, nil
}

// FetchData fetches what is missing of a dataset and verifies all of it.
func FetchData(ctx context.Context, dir, name string, r Reporter) ([]dataset.File, error) {
	o := dataset.DefaultFetchOptions()
	o.Progress = func(p dataset.Progress) {
		r.Update(progress.Status{Label: "fetch " + p.File, Unit: "KB", Done: int(p.Done >> 10), Total: int(p.Total >> 10)})
	}
	files, err := dataset.Fetch(ctx, dir, name, o)
	if err != nil {
		return nil, fmt.Errorf("%w (put the files into %s yourself, or name another folder with --data)", err, dir)
	}
	return files, nil
}
