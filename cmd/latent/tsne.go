package main

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"latent/dataset"
	"latent/internal/atomicfile"
	"latent/internal/matrix"
	"latent/internal/notebook"
	"latent/tsne"
)

func tsneCommand() *cli.Command {
	d := tsne.DefaultOptions()
	return &cli.Command{
		Name:  "tsne",
		Usage: "embed any matrix in two dimensions",
		Description: `Reads a matrix, one row per point, and writes its t-SNE embedding. The defaults are scikit-learn's
but for the schedule, which reaches a lower divergence in about a third of the iterations;
--schedule scikit-learn gives scikit-learn's 1000. The result is the same, to the byte, for every
number of threads. Ctrl-C writes the embedding reached so far.

    latent tsne --input z.npy -o y.npy
    latent tsne --input x.csv -o y.csv --every 3 --perplexity 50
    latent tsne --input z.npy -o y.npy --view        watch the map form in the browser
    latent tsne --input z.npy -o y.npy --init y0.npy --iterations 250
    cat x.csv | latent tsne --input - -o - > y.csv

Neighbours found by another program, as indices and distances (n x k) or a SciPy CSR matrix:

    latent tsne --knn knn.npz --init random -o y.npy

New rows are placed in a finished map, each by itself, at once or later:

    latent tsne --input train.npy -o y.npy --transform test.npy --transform-output ytest.npy
    latent tsne --input train.npy -o y.npy --save model.npz
    latent tsne --load model.npz --transform test.npy --transform-output ytest.npy`,
		Flags: append([]cli.Flag{
			ownFlags("`X`.npy, X.npz:NAME, X.csv, an IDX file, or a folder of pictures; - is "+
				"standard input, .npy or CSV", "", "input")[0],
			outputFlag("where the embedding goes: `Y.npy` or Y.csv; - is standard output"),
			&cli.StringFlag{Name: "format", Value: "csv",
				Usage: "npy or csv, for standard output"},
			&cli.IntFlag{Name: "every", Value: 1,
				Usage: "use every `K`-th row, starting with the first"},
			&cli.StringFlag{Name: "knn",
				Usage: "nearest rows found elsewhere, `F.npz`: indices and distances (n x k, " +
					"not squared, -1 for none) or a SciPy CSR matrix of distances"},
			&cli.StringFlag{Name: "metric", Value: d.Metric.String(),
				Usage: "distance between rows: euclidean or cosine"},
			&cli.StringFlag{Name: "method", Value: d.Method.String(),
				Usage: "barnes-hut or exact"},
			&cli.StringFlag{Name: "neighbors", Value: "auto",
				Usage: "nearest-neighbour search: exact, approximate, or auto: approximate from " +
					"10,000 rows on"},
			&cli.IntFlag{Name: "components", Value: d.Components,
				Usage: "dimensions of the embedding, 1 to 3"},
			&cli.StringFlag{Name: "perplexity", Value: fmt.Sprint(d.Perplexity),
				Usage: "effective number of neighbours of a point; several, as in 30,300, show " +
					"several scales"},
			&cli.StringFlag{Name: "kernel", Value: d.Kernel.String(),
				Usage: "how neighbours attract: gaussian, by distance, or uniform, the nearest " +
					"ones alike"},
			&cli.Float64Flag{Name: "theta", Value: d.Theta,
				Usage: "accuracy of Barnes-Hut; 0 is exact"},
			&cli.Float64Flag{Name: "alpha", Value: d.Alpha,
				Usage: "degree of freedom of the map's similarities; below 1 clusters fall " +
					"apart into finer ones"},
			&cli.StringFlag{Name: "schedule", Value: d.Schedule.String(),
				Usage: "learning rate, momentum and numbers of iterations: auto or scikit-learn"},
			&cli.IntFlag{Name: "iterations",
				DefaultText: "the schedule's own; scikit-learn's 1000", Usage: "maximum number " +
					"of iterations, the exaggerated ones included"},
			&cli.Float64Flag{Name: "early-exaggeration", Value: d.EarlyExaggeration,
				Usage: "factor on the attraction in the exaggerated iterations"},
			&cli.IntFlag{Name: "exaggeration-iterations",
				DefaultText: "the schedule's 80; scikit-learn's 250",
				Usage:       "number of exaggerated iterations"},
			&cli.Float64Flag{Name: "late-exaggeration", Value: d.LateExaggeration,
				Usage: "factor on the attraction in all later iterations; above 1 clusters are " +
					"denser and further apart"},
			&cli.StringFlag{Name: "learning-rate", Value: "auto",
				Usage: "a constant, or auto: the schedule's, which for scikit-learn is " +
					"max(n/early-exaggeration/4, 50)"},
			&cli.StringFlag{Name: "init", Value: "pca",
				Usage: "pca, random or a matrix of starting points `FILE.npy`"},
			&cli.Uint64Flag{Name: "seed", Usage: "random seed for --init random"},
			&cli.StringFlag{Name: "save",
				Usage: "also write a `MODEL.npz` for --load, with the rows and their positions"},
			&cli.StringFlag{Name: "load",
				Usage: "place the rows of --transform in the map of `MODEL.npz`"},
			&cli.StringFlag{Name: "transform",
				Usage: "place the rows of `NEW.npy` in the finished map too, each by itself"},
			&cli.StringFlag{Name: "transform-output",
				Usage: "where their positions go: `F.npy` or F.csv; - is standard output"},
			viewFlag(), threadsFlag(), jsonFlag(), quietFlag(),
		}, ownFlags("", "none", "label-column", "scale", "image-size")...),
		Action: embed,
	}
}

func embed(c *cli.Context) (err error) {
	if err := checkTSNEFiles(c); err != nil {
		return err
	}
	if c.IsSet("load") {
		return transformLater(c)
	}
	o, err := tsneOptions(c)
	if err != nil {
		return err
	}
	x, scaler, err := readRows(c)
	if err != nil {
		return err
	}
	// before the map is made: it may be wrong
	added, err := readAdded(c, x.Cols, c.String("input"), scaler)
	if err != nil {
		return err
	}
	x = x.Every(c.Int("every"))
	n := x.Rows
	if o.Graph != nil && x.Data == nil {
		n = o.Graph.N
	}
	d := display(c)
	output := c.String("output")
	end := watch(c, output, d)
	defer func() { end(err) }()
	formed := showForming(&o, output, n, d)
	shown := o.Progress
	o.Progress = func(p tsne.Progress) {
		if p.Stage == tsne.StageInit {
			// What the search leaves behind, a fifth of all at a million rows, serves the
			// iterations.
			runtime.GC()
		}
		shown(p)
	}
	e, err := tsne.Fit(c.Context, x.Data, n, o)
	d.Done()
	defer formed()
	if e == nil && c.Context.Err() != nil {
		return fmt.Errorf("interrupted before the first iteration, nothing is written: %w", err)
	}
	if e == nil || (err != nil && c.Context.Err() == nil) {
		return nameFlag(err)
	}
	if writeErr := writeMatrix(c, output,
		matrix.Matrix{Data: e.Y, Rows: e.N, Cols: e.Components}); writeErr != nil {
		return writeErr
	}
	if model := c.String("save"); model != "" {
		if saveErr := atomicfile.Write(model, e.Save); saveErr != nil {
			return saveErr
		}
	}
	if err != nil {
		return fmt.Errorf("interrupted after iteration %d, the embedding so far is in %s: %w",
			e.Iterations, output, err)
	}
	if added.Data != nil {
		if err := transform(c, e, added); err != nil {
			return fmt.Errorf("the map is in %s, the new points are not placed: %w", output, err)
		}
	}
	var kl *float64 // NaN, without an iteration, is no JSON
	if !math.IsNaN(e.KL) {
		kl = &e.KL
	}
	return printResult(c,
		map[string]any{"kl": kl, "iterations": e.Iterations, "stop": e.Stop,
			"schedule": e.Schedule.String(), "n": e.N, "dims": e.Components,
			"seconds": e.Elapsed.Seconds(), "seconds_neighbors": e.ElapsedNeighbors.Seconds()},
		"%s: %d points in %d dimensions, KL %.4f after %d iterations, %.1f s\n",
		output, e.N, e.Components, e.KL, e.Iterations, e.Elapsed.Seconds())
}

// checkTSNEFiles reports files that are missing from the call, or that it cannot use together.
func checkTSNEFiles(c *cli.Context) error {
	if c.IsSet("load") {
		for _, flag := range c.Command.Flags {
			if name := flag.Names()[0]; c.IsSet(name) &&
				!slices.Contains([]string{"load", "transform", "transform-output", "format",
					"threads", "json", "quiet"}, name) {
				return usagef("--load takes the map of a model as it is: leave --%s out", name)
			}
		}
		if c.String("transform") == "" {
			return usagef("--load needs --transform and --transform-output")
		}
	} else {
		if _, err := need(c, "output"); err != nil {
			return err
		}
		if err := checkOutput(c, "output"); err != nil {
			return err
		}
		if !c.IsSet("knn") || c.String("init") == "pca" {
			if _, err := need(c, "input"); err != nil {
				return err
			}
		}
	}
	if (c.String("transform") == "") != (c.String("transform-output") == "") {
		return usagef("--transform and --transform-output go together")
	}
	if c.IsSet("transform") {
		if err := checkOutput(c, "transform-output"); err != nil {
			return err
		}
	}
	outputs := [2]string{c.String("output"), c.String("transform-output")}
	switch {
	case c.String("input") == standardStream && c.String("transform") == standardStream:
		return usagef("--input and --transform cannot both be standard input")
	case outputs[0] == standardStream && outputs[1] == standardStream:
		return usagef("--output and --transform-output cannot both be standard output")
	case c.IsSet("format") && outputs[0] != standardStream && outputs[1] != standardStream:
		return usagef("--format is for standard output (-); a file's extension says its format")
	case c.Int("every") < 1:
		return usagef("--every must be at least 1, got %d", c.Int("every"))
	case c.IsSet("knn") && c.Int("every") > 1:
		return usagef("--knn names rows of the whole matrix: leave --every out")
	case c.IsSet("transform") && !c.IsSet("load") && !c.IsSet("input"):
		return usagef("--transform needs --input: new rows are compared with the map's")
	case c.Bool("view") && (outputs[0] == standardStream || c.Int("components") != 2):
		return usagef("--view shows a map of two dimensions that goes into a file")
	case c.IsSet("save") && c.IsSet("scale") && c.String("scale") != dataset.ScaleNone:
		return usagef("--save keeps no scale for the rows that --load adds: scale the rows " +
			"first, and leave --scale out")
	case c.IsSet("save") && !strings.EqualFold(filepath.Ext(c.String("save")), ".npz"):
		return usagef("--save must end in .npz, got %q", c.String("save"))
	}
	return nil
}

// readAdded reads the rows of --transform, which have as many columns as those of the file named
// source. Without the flag there are none.
func readAdded(c *cli.Context, columns int, source string, scaler dataset.Scaler) (matrix.Matrix,
	error) {
	path := c.String("transform")
	if path == "" {
		return matrix.Matrix{}, nil
	}
	m, err := readMatrix(c, path)
	if err == nil && m.Cols != columns {
		err = fmt.Errorf("%s has %d columns, %s has %d", path, m.Cols, source, columns)
	}
	if err == nil {
		err = scaler.Apply(&dataset.Split{Features: m.Data, N: m.Rows, Cols: m.Cols})
	}
	return m, err
}

// readRows reads the rows of --input, if any, and scales them.
func readRows(c *cli.Context) (matrix.Matrix, dataset.Scaler, error) {
	own, err := ownData(c)
	if err != nil || own.Input == "" {
		return matrix.Matrix{}, dataset.Scaler{}, err
	}
	if own.Scale == "" {
		own.Scale = dataset.ScaleNone
	}
	var x *dataset.Split
	if own.Input == standardStream {
		m, err := readMatrix(c, own.Input)
		if err != nil {
			return m, dataset.Scaler{}, err
		}
		x = &dataset.Split{Features: m.Data, N: m.Rows, Cols: m.Cols}
	} else {
		d := display(c)
		x, err = own.ReadRows(c.Context, d)
		d.Done()
		if err != nil {
			return matrix.Matrix{}, dataset.Scaler{}, err
		}
	}
	scaler, err := dataset.FitScaler(own.Scale, x)
	if err == nil {
		err = scaler.Apply(x)
	}
	return matrix.Matrix{Data: x.Floats(), Rows: x.N, Cols: x.Width()}, scaler, err
}

// transform places the added rows in the map and writes their positions.
func transform(c *cli.Context, e *tsne.Embedding, added matrix.Matrix) error {
	o := tsne.DefaultTransformOptions()
	d := display(c)
	o.Progress = notebook.ShowTSNE(d, "transform")
	y, err := e.Transform(c.Context, added.Data, added.Rows, o)
	d.Done()
	if err != nil {
		return err
	}
	return writeMatrix(c, c.String("transform-output"),
		matrix.Matrix{Data: y, Rows: added.Rows, Cols: e.Components})
}

// transformLater places rows in the map of a saved model.
func transformLater(c *cli.Context) error {
	began := time.Now()
	n, err := threads(c)
	if err != nil {
		return err
	}
	path := c.String("load")
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	o := tsne.DefaultOptions()
	o.Threads, o.Neighbors = n, notebook.Neighbors(n)
	e, err := tsne.ReadEmbedding(f, size, o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if e.Columns() == 0 {
		return fmt.Errorf("%s was made without rows: there are none to compare new ones with",
			path)
	}
	added, err := readAdded(c, e.Columns(), path, dataset.Scaler{})
	if err != nil {
		return err
	}
	if err := transform(c, e, added); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	return printResult(c,
		map[string]any{"n": added.Rows, "dims": e.Components, "seconds": seconds},
		"%s: %d points placed in a map of %d, %.1f s\n", c.String("transform-output"), added.Rows,
		e.N, seconds)
}

// printResult prints a result, as JSON where that is wanted, unless the result's matrix was
// written to standard output.
func printResult(c *cli.Context, values map[string]any, format string, args ...any) error {
	if c.String("output") == standardStream || c.String("transform-output") == standardStream {
		return nil
	}
	if c.Bool("json") {
		return printJSON(c, values)
	}
	_, err := fmt.Fprintf(c.App.Writer, format, args...)
	return err
}
