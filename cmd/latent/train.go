//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/internal/train"
	"latent/torch"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train one model into a run folder",
		Description: `Trains the autoencoder and writes model.pt (a PyTorch state_dict), losses.csv, loss.png and
metrics.json. Ctrl-C saves a checkpoint; --resume continues from it, or trains a finished run
further, and ends with the same bytes as an uninterrupted run.

    latent train --out runs/a --epochs 20
    latent train --out runs/a --resume               after Ctrl-C or a crash
    latent train --out runs/a --resume --epochs 100  further
    latent train --out runs/b --init runs/a/model.pt --lr 1e-4

Several processes train one model when RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT are set, as
torchrun sets them. Each process trains on its share of every epoch with --batch-size images per
step, on CUDA on a GPU of its own. Rank 0 writes the run folder, and all use its options. With
--resume=auto a group that torchrun restarts continues its run:

    torchrun --no-python --nproc-per-node 2 --max-restarts 3 \
        latent train --out runs/c --batch-size 512 --resume=auto`,
		Flags: slices.Concat([]cli.Flag{
			outFlag("run folder `DIR` of the model"),
			&cli.GenericFlag{Name: "resume", Value: new(resumeFlag), DefaultText: "begin",
				Usage: "resume the run in --out with its own options; --resume=auto begins one " +
					"where there is none"},
		}, optionFlags(train.DefaultConfig()), []cli.Flag{viewFlag(), jsonFlag(), quietFlag()}),
		Action: trainModel,
	}
}

// configure overwrites base with the flags that were given.
func configure(c *cli.Context, base train.Config) (train.Config, error) {
	if name := c.String("contrastive"); c.IsSet("contrastive") && name != base.Contrastive {
		base.ExtraLoss = train.NewExtraLoss(name)
	}
	setOptions(c, &base)
	switch {
	case c.IsSet("dataset") && base.Input != "":
		return base, usagef("--input and --dataset both name the data: leave one out")
	case c.IsSet("test-fraction") && !(base.TestFraction > 0 && base.TestFraction < 1):
		return base, usagef("--test-fraction must be above 0 and below 1, got %g",
			base.TestFraction)
	}
	base.Complete()
	if err := base.Validate(); err != nil {
		return base, wrongOption(err)
	}
	return base, nil
}

// resumeFlag is the value of --resume, which may stand alone.
type resumeFlag struct{ value train.Resume }

func (f *resumeFlag) Set(text string) error {
	value, ok := map[string]train.Resume{"true": train.GoOn, "false": train.Begin,
		"auto": train.Either}[text]
	if !ok {
		return errors.New("want --resume or --resume=auto")
	}
	f.value = value
	return nil
}

func (f *resumeFlag) String() string { return "" }

func (f *resumeFlag) IsBoolFlag() bool { return true }

func trainModel(c *cli.Context) (err error) {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	group, err := torch.GroupFromEnv()
	if err != nil {
		return usageError{err}
	}
	d := display(c)
	if group != nil && group.Rank > 0 {
		d = progress.New(io.Discard, progress.Options{Quiet: true})
	}
	if group == nil || group.Rank == 0 {
		end := watch(c, dir, d)
		defer func() { end(err) }()
	}
	var config train.Config
	choose := func(base train.Config) (chosen train.Config, err error) {
		config, err = configure(c, base)
		return config, err
	}
	metrics, err := train.Run(c.Context, dir, choose, train.Options{
		Resume: c.Generic("resume").(*resumeFlag).value, Group: group, Label: "train", Report: d,
		Data: func(ctx context.Context, config train.Config) (*train.Data, error) {
			return config.Open(ctx, d)
		},
	})
	d.Done()
	switch {
	case errors.Is(err, train.ErrOptions):
		return usageError{err}
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w; go on with: latent train --out %s --resume", err, quote(dir))
	case err != nil:
		return err
	case group != nil && group.Rank > 0: // rank 0 tells
		return nil
	}
	if c.Bool("json") {
		return printJSON(c, metrics)
	}
	fmt.Fprintf(c.App.Writer, "%s: epochs %d, %.1f s of training\n\n", dir, metrics.Epochs,
		metrics.Seconds[config.Space()])
	return printMetrics(c.App.Writer, metrics, notebook.Notes(config))
}
