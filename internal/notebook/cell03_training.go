//go:build linux && cgo

package notebook

import (
	"context"

	"latent/internal/train"
)

// train trains the model of a space in its run folder (cell 3, and 9 for the
// contrastive one): on from where it is as long as it is the same run, else from
// the start.
func (b *book) train(ctx context.Context, label string, s *space) (train.Result, error) {
	dir := b.folder.Path(s.name)
	goOn, err := train.Choose(dir, s.config, b.data, label, b.report)
	if err != nil {
		return train.Result{}, err
	}
	o := train.Options{Label: label, Report: b.report,
		Data: func(context.Context, train.Config) (*train.Data, error) { return b.data, nil }}
	if goOn {
		o.Resume = train.GoOn
	}
	return train.Run(ctx, dir, func(train.Config) (train.Config, error) { return s.config, nil },
		o)
}
