package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/contrastive"
	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/torch"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train one model into a run folder",
		Description: `Trains the autoencoder and writes model.pt (a PyTorch state_dict), losses.csv, loss.png and
metrics.json. Ctrl-C saves a checkpoint; --resume goes on from it, or trains a finished run
further, and ends with the bytes of an unbroken run.

    latent train --out runs/a --epochs 20
    latent train --out runs/a --resume               after Ctrl-C or a crash
    latent train --out runs/a --resume --epochs 100  further
    latent train --out runs/b --init runs/a/model.pt --lr 1e-4

Started several times with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set, as torchrun does, the
processes train one model, each on its share of every epoch; --batch-size is each one's, and rank 0
keeps the run folder:

    torchrun --no-python --nproc-per-node 2 latent train --out runs/c --batch-size 512`,
		Flags: slices.Concat([]cli.Flag{
			outFlag("run folder `DIR`"),
			&cli.BoolFlag{Name: "resume", Usage: "go on with the run in --out, with its own options", DisableDefaultText: true},
		}, trainFlags(notebook.DefaultConfig()), dataFlags(), deviceFlags(), []cli.Flag{jsonFlag(), quietFlag()}),
		Action: train,
	}
}

// trainFlags are those that decide a model's numbers, in train and notebook.
func trainFlags(d notebook.Config) []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "epochs", Value: d.Epochs, Usage: "passes over the training images in all"},
		&cli.IntFlag{Name: "batch-size", Value: d.BatchSize, Usage: "images a step"},
		&cli.Float64Flag{Name: "lr", Value: d.LearningRate, Usage: "Adam's learning rate"},
		&cli.Float64Flag{Name: "weight-decay", Value: d.WeightDecay, Usage: "L2 term in the gradient"},
		&cli.BoolFlag{Name: "shuffle", Value: d.Shuffle, Usage: "a new order of the images every epoch (--shuffle=false: none)"},
		&cli.StringFlag{Name: "precision", Value: d.Precision, Usage: "of matrix products: fp32, tf32 (CUDA) or bf16"},
		&cli.BoolFlag{Name: "plain", DisableDefaultText: true,
			Usage: "train with gotorch's own operations one by one: slower, the reference for the fused ones"},
		&cli.StringFlag{Name: "init", Usage: "start from the state_dict in `FILE.pt`"},
		&cli.Int64Flag{Name: "seed", Value: d.Seed, Usage: "what torch.manual_seed would get"},
		&cli.IntFlag{Name: "limit", Value: d.Limit, DefaultText: "all", Usage: "use only the first `N` images of each split, for a quick look"},
		&cli.StringFlag{Name: "contrastive", Value: d.Contrastive, Usage: "loss added on the latents: none, notebook, nt-xent or supcon"},
		&cli.Float64Flag{Name: "temperature", DefaultText: "the loss's own", Usage: "of the contrastive loss"},
		&cli.StringFlag{Name: "similarity", DefaultText: "the loss's own", Usage: "of the contrastive loss: cosine or euclidean"},
		&cli.BoolFlag{Name: "augment", DefaultText: "the loss's own", Usage: "let supcon see an augmented copy of each image, as nt-xent always does"},
		&cli.Float64Flag{Name: "contrastive-weight", DefaultText: "the loss's own", Usage: "of the contrastive loss beside the reconstruction loss"},
	}
}

// configure overwrites base with the flags that were given.
func configure(c *cli.Context, base notebook.Config) (notebook.Config, error) {
	if name := c.String("contrastive"); c.IsSet("contrastive") && name != base.Contrastive {
		base.ExtraLoss = notebook.NewExtraLoss(name)
	}
	for name, set := range map[string]func(){
		"data":               func() { base.Data = c.String("data") },
		"dataset":            func() { base.Dataset = c.String("dataset") },
		"device":             func() { base.Device = c.String("device") },
		"threads":            func() { base.Threads = c.Int("threads") },
		"epochs":             func() { base.Epochs = c.Int("epochs") },
		"batch-size":         func() { base.BatchSize = c.Int("batch-size") },
		"lr":                 func() { base.LearningRate = c.Float64("lr") },
		"weight-decay":       func() { base.WeightDecay = c.Float64("weight-decay") },
		"shuffle":            func() { base.Shuffle = c.Bool("shuffle") },
		"precision":          func() { base.Precision = c.String("precision") },
		"plain":              func() { base.Plain = c.Bool("plain") },
		"init":               func() { base.Init = c.String("init") },
		"seed":               func() { base.Seed = c.Int64("seed") },
		"limit":              func() { base.Limit = c.Int("limit") },
		"temperature":        func() { base.Temperature = c.Float64("temperature") },
		"similarity":         func() { base.Similarity = contrastive.Similarity(c.String("similarity")) },
		"augment":            func() { base.Augment = c.Bool("augment") },
		"contrastive-weight": func() { base.Weight = c.Float64("contrastive-weight") },
	} {
		if c.IsSet(name) {
			set()
		}
	}
	if err := base.Validate(); err != nil {
		return base, usageError{err}
	}
	return base, nil
}

func train(c *cli.Context) error {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	base := notebook.DefaultConfig()
	if c.Bool("resume") {
		if base, err = notebook.ReadConfig(dir); err != nil {
			return fmt.Errorf("%w (nothing to resume: leave --resume out to begin)", err)
		}
	}
	config, err := configure(c, base)
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
	metrics, err := notebook.Train(c.Context, dir, config, notebook.TrainOptions{
		Resume: c.Bool("resume"), Group: group, Label: "train", Report: d,
		Data: func(ctx context.Context) (*notebook.Data, error) {
			return notebook.OpenData(ctx, config.Data, config.Dataset, config.Limit, d)
		},
	})
	d.Done()
	switch {
	case errors.Is(err, notebook.ErrOptions):
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
	fmt.Fprintf(c.App.Writer, "%s: epochs %d, %.1f s of training\n\n", dir, metrics.Epochs, metrics.Seconds[config.Space()])
	return printMetrics(c.App.Writer, metrics, notebook.Notes(config))
}

// quote makes a word of a shell command.
func quote(word string) string {
	if !strings.ContainsAny(word, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
