package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/dataset"
	"latent/internal/atomicfile"
	"latent/internal/figure"
	"latent/internal/matrix"
	"latent/internal/run"
)

func plotCommand() *cli.Command {
	d := figure.DefaultPanelOptions()
	output := outputFlag("file to write the figure to: `F.png`, F.svg or F.pdf")
	return &cli.Command{
		Name:  "plot",
		Usage: "redraw figures from files",
		Description: `    latent plot loss --run runs/a --output loss.pdf
    latent plot scatter --input y.npy --labels labels.npy --output map.png
    latent plot scatter --input y.npy --labels train-labels-idx1-ubyte.gz --every 3 --output map.svg`,
		Subcommands: []*cli.Command{
			{
				Name:  "loss",
				Usage: "the loss curve of a run folder",
				Flags: []cli.Flag{&cli.StringFlag{Name: "run",
					Usage: "run folder `DIR` of the model"}, output},
				Action: plotLoss,
			},
			{
				Name:  "scatter",
				Usage: "a scatter plot of two-dimensional points, one colour per class",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "input",
						Usage: "matrix with two columns: `Y.npy` or Y.csv"},
					&cli.StringFlag{Name: "labels",
						Usage: "class of each point: `L.npy` or an IDX file"},
					&cli.IntFlag{Name: "every", Value: 1,
						Usage: "use every `K`-th label, starting with the first"},
					&cli.StringFlag{Name: "title", Usage: "title above the plot"},
					&cli.Float64Flag{Name: "alpha", Value: d.Alpha, Usage: "opacity of a point"},
					output,
				},
				Action: plotScatter,
			},
		},
	}
}

func plotLoss(c *cli.Context) error {
	dir, err := need(c, "run")
	if err != nil {
		return err
	}
	losses, err := run.ReadLosses(dir)
	if err != nil {
		return err
	}
	return writePlot(c, func(w io.Writer, format string) error {
		return figure.Loss(w, format, run.Series{Losses: losses})
	})
}

func plotScatter(c *cli.Context) error {
	input, err := need(c, "input")
	if err != nil {
		return err
	}
	o := figure.DefaultPanelOptions()
	o.Alpha = c.Float64("alpha")
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	every := c.Int("every")
	if every < 1 {
		return usagef("--every must be at least 1, got %d", every)
	}
	y, err := matrix.ReadFile(input)
	if err != nil {
		return err
	}
	if y.Cols != 2 {
		return fmt.Errorf("%s has %d columns: a scatter plot needs two", input, y.Cols)
	}
	panel := figure.Panel{Title: c.String("title"), XY: y.Data}
	if path := c.String("labels"); path != "" {
		labels, err := readLabels(path)
		if err != nil {
			return err
		}
		panel.Labels = matrix.Every(labels, 1, every)
		if len(panel.Labels) != y.Rows {
			return fmt.Errorf(
				"%s has %d labels, %s has %d points: --every K uses every K-th label",
				path, len(panel.Labels), input, y.Rows)
		}
	}
	return writePlot(c, func(w io.Writer, format string) error {
		return figure.Panels(w, format, []figure.Panel{panel}, o)
	})
}

func readLabels(path string) ([]int, error) {
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		return matrix.ReadLabels(path)
	}
	return dataset.ReadIDXLabels(path)
}

// writePlot draws into the file that --output names, in the format of its extension.
func writePlot(c *cli.Context, draw func(w io.Writer, format string) error) error {
	output, err := need(c, "output")
	if err != nil {
		return err
	}
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(output), "."))
	switch format {
	case "png", "svg", "pdf":
	default:
		return usagef("--output must end in .png, .svg or .pdf, got %q", output)
	}
	if err := atomicfile.Write(output,
		func(w io.Writer) error { return draw(w, format) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, output)
	return err
}
