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
	resume, err := train.Choose(dir, s.config, label, b.report)
	if err != nil {
		return train.Result{}, err
	}
	return train.Run(ctx, dir, s.config, train.Options{Resume: resume, Label: label, Report: b.report,
		Data: func(context.Context) (*train.Data, error) { return b.data, nil }})
}
