package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"latent/internal/matrix"
	"latent/internal/notebook"
	"latent/tsne"
)

func tsneCommand() *cli.Command {
	d := tsne.DefaultOptions()
	return &cli.Command{
		Name:  "tsne",
		Usage: "embed any matrix in two dimensions",
		Description: `Reads a matrix, a row a point, and writes its t-SNE embedding. The defaults are scikit-learn's
but for the schedule, which ends at a lower divergence in about a third of the iterations;
--schedule scikit-learn gives scikit-learn's 1000. The result is the same, to the byte, for every
number of threads. Ctrl-C writes the embedding
reached so far.

    latent tsne --input z.npy --output y.npy
    latent tsne --input x.csv --output y.csv --every 3 --perplexity 50
    latent tsne --input z.npy --output y.npy --init y0.npy --iterations 250
    latent tsne --input train.npy --output y.npy --transform test.npy --transform-output ytest.npy`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "matrix `X.npy` or X.csv"},
			outputFlag("where the embedding goes: `Y.npy` or Y.csv"),
			&cli.IntFlag{Name: "every", Value: 1, Usage: "use every `K`-th row, starting with the first"},
			&cli.StringFlag{Name: "method", Value: d.Method.String(), Usage: "barnes-hut or exact"},
			&cli.StringFlag{Name: "neighbors", Value: "auto", Usage: "nearest-neighbour search: exact, approximate, or auto: approximate from 10,000 rows on"},
			&cli.IntFlag{Name: "components", Value: d.Components, Usage: "dimensions of the embedding, 1 to 3"},
			&cli.Float64Flag{Name: "perplexity", Value: d.Perplexity, Usage: "effective number of neighbours of a point"},
			&cli.Float64Flag{Name: "theta", Value: d.Theta, Usage: "Barnes-Hut's accuracy; 0 is exact"},
			&cli.StringFlag{Name: "schedule", Value: d.Schedule.String(), Usage: "auto or scikit-learn: learning rate, momentum and numbers of iterations"},
			&cli.IntFlag{Name: "iterations", DefaultText: "the schedule's, 300 to 500 up to a million rows; scikit-learn's 1000", Usage: "the most to do, exaggerated ones included"},
			&cli.Float64Flag{Name: "early-exaggeration", Value: d.EarlyExaggeration, Usage: "factor on attraction at first"},
			&cli.IntFlag{Name: "exaggeration-iterations", DefaultText: "the schedule's 80; scikit-learn's 250", Usage: "number of exaggerated iterations"},
			&cli.StringFlag{Name: "learning-rate", Value: "auto", Usage: "a constant, or auto: the schedule's, which for scikit-learn is max(n/early-exaggeration/4, 50)"},
			&cli.StringFlag{Name: "init", Value: "pca", Usage: "pca, random or a matrix of starting points `FILE.npy`"},
			&cli.Uint64Flag{Name: "seed", Usage: "of what is random"},
			&cli.StringFlag{Name: "transform", Usage: "place the rows of `NEW.npy` in the finished map too, each by itself"},
			&cli.StringFlag{Name: "transform-output", Usage: "where their positions go: `F.npy` or F.csv"},
			threadsFlag(), jsonFlag(), quietFlag(),
		},
		Action: embed,
	}
}

func embed(c *cli.Context) error {
	input, err := need(c, "input")
	if err != nil {
		return err
	}
	output, err := need(c, "output")
	if err != nil {
		return err
	}
	if err := checkMatrixName("output", output); err != nil {
		return err
	}
	every := c.Int("every")
	if every < 1 {
		return usagef("--every must be at least 1, got %d", every)
	}
	o, err := tsneOptions(c)
	if err != nil {
		return err
	}
	placed := c.String("transform-output")
	if (c.String("transform") == "") != (placed == "") {
		return usagef("--transform and --transform-output go together")
	}
	if placed != "" {
		if err := checkMatrixName("transform-output", placed); err != nil {
			return err
		}
	}
	x, err := matrix.ReadFile(input)
	if err != nil {
		return err
	}
	var added matrix.Matrix // read before the map is made: it may be wrong
	if placed != "" {
		if added, err = matrix.ReadFile(c.String("transform")); err != nil {
			return err
		}
		if added.Cols != x.Cols {
			return fmt.Errorf("%s has %d columns, %s has %d", c.String("transform"), added.Cols, input, x.Cols)
		}
	}
	x = x.Every(every)
	d := display(c)
	o.Progress = notebook.ShowTSNE(d, "tsne")
	if o.Neighbors == nil {
		o.Neighbors = notebook.Neighbors(o.Threads)
	}
	e, err := tsne.Fit(c.Context, x.Data, x.Rows, o)
	d.Done()
	if e == nil && c.Context.Err() != nil {
		return fmt.Errorf("interrupted before the first iteration, nothing is written: %w", err)
	}
	if e == nil || (err != nil && c.Context.Err() == nil) {
		return err
	}
	if writeErr := matrix.WriteFile(output, matrix.Matrix{Data: e.Y, Rows: e.N, Cols: e.Components}); writeErr != nil {
		return writeErr
	}
	if err != nil {
		return fmt.Errorf("interrupted after iteration %d, the embedding so far is in %s: %w", e.Iterations, output, err)
	}
	if placed != "" {
		y, err := e.Transform(c.Context, added.Data, added.Rows, tsne.DefaultTransformOptions())
		if err != nil {
			return fmt.Errorf("the map is in %s, the new points are not placed: %w", output, err)
		}
		if err := matrix.WriteFile(placed, matrix.Matrix{Data: y, Rows: added.Rows, Cols: e.Components}); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		var kl *float64 // NaN, without an iteration, is no JSON
		if !math.IsNaN(e.KL) {
			kl = &e.KL
		}
		return printJSON(c, map[string]any{"kl": kl, "iterations": e.Iterations, "n": e.N, "dims": e.Components, "schedule": e.Schedule.String(),
			"seconds": e.Seconds, "seconds_neighbors": e.SecondsNeighbors})
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %d points in %d dimensions, KL %.4f after %d iterations, %.1f s\n",
		output, e.N, e.Components, e.KL, e.Iterations, e.Seconds)
	return err
}

func tsneOptions(c *cli.Context) (tsne.Options, error) {
	o := tsne.DefaultOptions()
	schedule, err := tsne.ParseSchedule(c.String("schedule"))
	if err != nil {
		return o, usageError{err}
	}
	if schedule == tsne.ScheduleScikitLearn {
		o = tsne.ScikitLearnOptions()
	}
	if o.Threads, err = threads(c); err != nil {
		return o, err
	}
	o.Components, o.Perplexity, o.Theta = c.Int("components"), c.Float64("perplexity"), c.Float64("theta")
	if c.IsSet("iterations") {
		if o.Iterations = c.Int("iterations"); o.Iterations == 0 {
			o.Schedule = tsne.ScheduleScikitLearn // where 0 means 0; without iterations all schedules are one
		}
	}
	if c.IsSet("exaggeration-iterations") {
		o.ExaggerationIterations = c.Int("exaggeration-iterations")
		if o.ExaggerationIterations == 0 && o.Schedule == tsne.ScheduleAuto {
			return o, usagef("--exaggeration-iterations must be at least 1 with --schedule auto: --early-exaggeration 1 leaves exaggeration out")
		}
	}
	o.EarlyExaggeration, o.Seed = c.Float64("early-exaggeration"), c.Uint64("seed")
	if o.Method, err = tsne.ParseMethod(c.String("method")); err != nil {
		return o, usageError{err}
	}
	switch name := c.String("neighbors"); name {
	case "auto":
	case "exact":
		o.Neighbors = tsne.ExactNeighbors{}
	case "approximate":
		o.Neighbors = tsne.ApproximateNeighbors{}
	default:
		return o, usagef("--neighbors must be auto, exact or approximate, got %q", name)
	}
	if rate := c.String("learning-rate"); rate != "auto" {
		if o.LearningRate, err = strconv.ParseFloat(rate, 64); err != nil || !(o.LearningRate > 0) {
			return o, usagef("--learning-rate must be a number above 0, or auto, got %q", rate)
		}
	}
	initial := ""
	if o.Init, err = tsne.ParseInit(c.String("init")); err != nil || o.Init == tsne.InitGiven {
		if initial = c.String("init"); checkMatrixName("init", initial) != nil {
			return o, usagef("--init must be pca, random or a .npy or .csv file, got %q", initial)
		}
		o.Init = tsne.InitGiven
	}
	if err := o.Validate(); err != nil {
		return o, wrongOption(err)
	}
	if initial != "" {
		y, err := matrix.ReadFile(initial)
		if err != nil {
			return o, err
		}
		if y.Cols != o.Components {
			return o, fmt.Errorf("%s has %d columns: starting points of this embedding have %d", initial, y.Cols, o.Components)
		}
		o.Initial = y.Data
	}
	return o, nil
}
