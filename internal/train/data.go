package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"latent/centroid"
	"latent/dataset"
	"latent/internal/progress"
)

// Data is a dataset in memory. Not for concurrent use.
type Data struct {
	*dataset.Dataset
	Form     *Form // of a user's own rows; nil for a named dataset
	TestRows []int // rows of the user's own input that are held out, if they are
	original map[centroid.Metric]Classified
}

// openNamed opens a named dataset, fetching what is missing. limit keeps only the first so
// many images of each split, 0 all.
func openNamed(
	ctx context.Context, dir, name string, limit int, r progress.Reporter,
) (*Data, error) {
	d, err := dataset.Open(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		r.Printf("%s is incomplete in %s: downloading it", name, dir)
		if _, err = FetchData(ctx, dir, name, r); err == nil {
			d, err = dataset.Open(dir, name)
		}
	}
	if err != nil {
		return nil, err
	}
	return newData(d, limit), nil
}

// newData keeps the first limit rows of each split, 0 all.
func newData(d *dataset.Dataset, limit int) *Data {
	for _, s := range []*dataset.Split{d.Train, d.Test} {
		if limit > 0 && limit < s.N {
			*s = *s.First(limit)
		}
	}
	return &Data{Dataset: d, original: map[centroid.Metric]Classified{}}
}

// Labelled reports whether rows have labels, so that there is something to score.
func (d *Data) Labelled() bool { return d.Train.Labels != nil && d.Test.Labels != nil }

// FetchData fetches what is missing of a dataset and verifies all of it.
func FetchData(
	ctx context.Context, dir, name string, r progress.Reporter,
) ([]dataset.File, error) {
	o := dataset.DefaultFetchOptions()
	o.Progress = func(p dataset.Progress) {
		r.Update(progress.Status{Label: "fetch " + p.File, Unit: "KB",
			Done: int(p.Done >> 10), Total: int(p.Total >> 10)})
	}
	files, err := dataset.Fetch(ctx, dir, name, o)
	if err != nil {
		return nil, fmt.Errorf("%w (put the files into %s yourself, or name another folder with "+
			"--data)",
			err, dir)
	}
	return files, nil
}
