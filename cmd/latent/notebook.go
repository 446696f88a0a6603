//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/internal/notebook"
	"latent/internal/run"
	"latent/torch"
)

func notebookCommand() *cli.Command {
	return &cli.Command{
		Name:  "notebook",
		Usage: "run the whole notebook: both models, embeddings, figures, accuracies, report",
		Description: `Trains the autoencoder with and without a contrastive loss, classifies by the nearest centroid,
embeds every third image with t-SNE, draws all figures and writes report.html.

Finished work is kept: after Ctrl-C or a crash the same command resumes, a larger --epochs trains
further, and a changed option repeats only what depends on it.

    latent notebook --out runs/notebook --epochs 20
    latent notebook --out runs/supcon --epochs 20 --contrastive supcon
    latent notebook --out runs/fashion --epochs 20 --dataset fashion-mnist`,
		Flags: slices.Concat([]cli.Flag{
			outFlag("folder `DIR` for all results"),
			&cli.IntFlag{Name: "every", Value: notebook.DefaultOptions().Every,
				Usage: "embed every `K`-th training image"},
			&cli.BoolFlag{Name: "scores", DisableDefaultText: true,
				Usage: "also classify by nearest neighbours and a linear probe, as latent " +
					"classify --method"},
		}, optionFlags(notebook.DefaultOptions().Config), []cli.Flag{viewFlag(), jsonFlag(),
			quietFlag()}),
		Action: wholeNotebook,
	}
}

func wholeNotebook(c *cli.Context) (err error) {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	o := notebook.DefaultOptions()
	o.Every, o.Scores, o.Command = c.Int("every"), c.Bool("scores"), command(os.Args)
	if o.Every < 1 {
		return usagef("--every must be at least 1, got %d", o.Every)
	}
	if o.Config, err = configure(c, o.Config); err != nil {
		return err
	}
	if group, err := torch.GroupFromEnv(); group != nil || err != nil {
		return usagef("notebook runs in one process, and RANK or WORLD_SIZE is set: start it " +
			"without torchrun; " +
			"latent train is what several processes can do")
	}
	d := display(c)
	end := watch(c, dir, d)
	defer func() { end(err) }()
	metrics, err := notebook.Run(c.Context, dir, o, d)
	d.Done()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w; to continue, run the same command again: %s", err, command(os.Args))
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, metrics)
	}
	fmt.Fprintf(c.App.Writer, "%s: epochs %d, report in %s/report.html\n\n", dir, metrics.Epochs,
		strings.TrimSuffix(dir, "/"))
	if err := printMetrics(c.App.Writer, metrics, notebook.Notes(o.Config)); err != nil {
		return err
	}
	conclusion, err := notebook.Conclusion(filepath.Join(dir, run.Reconstruction), metrics.Metrics)
	if conclusion != "" {
		fmt.Fprintln(c.App.Writer, "\n"+conclusion)
	}
	return err
}
