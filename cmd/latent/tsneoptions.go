package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/internal/atomicfile"
	"latent/internal/matrix"
	"latent/internal/notebook"
	"latent/tsne"
)

// tsneOptions are those of the flags, with the files that --knn and --init name.
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
	switch name := c.String("neighbors"); name {
	case "auto":
		o.Neighbors = notebook.Neighbors(o.Threads)
	case "exact":
		o.Neighbors = tsne.ExactNeighbors{}
	case "approximate":
		o.Neighbors = tsne.ApproximateNeighbors{}
	default:
		return o, usagef("--neighbors must be auto, exact or approximate, got %q", name)
	}
	o.Components, o.Theta, o.Alpha = c.Int("components"), c.Float64("theta"), c.Float64("alpha")
	if c.IsSet("iterations") {
		if o.Iterations = c.Int("iterations"); o.Iterations == 0 {
			// where 0 means 0; without iterations all schedules are one
			o.Schedule = tsne.ScheduleScikitLearn
		}
	}
	if c.IsSet("exaggeration-iterations") {
		o.ExaggerationIterations = c.Int("exaggeration-iterations")
		if o.ExaggerationIterations == 0 && o.Schedule == tsne.ScheduleAuto {
			return o, usagef("--exaggeration-iterations must be at least 1 with --schedule " +
				"auto: --early-exaggeration 1 leaves exaggeration out")
		}
	}
	o.EarlyExaggeration, o.LateExaggeration = c.Float64("early-exaggeration"),
		c.Float64("late-exaggeration")
	o.Seed = c.Uint64("seed")
	if o.Method, err = tsne.ParseMethod(c.String("method")); err != nil {
		return o, usageError{err}
	}
	if o.Metric, err = tsne.ParseMetric(c.String("metric")); err != nil {
		return o, usageError{err}
	}
	if o.Kernel, err = tsne.ParseKernel(c.String("kernel")); err != nil {
		return o, usageError{err}
	}
	perplexities, err := numberList(c, "perplexity")
	if err != nil {
		return o, err
	}
	if o.Perplexity = perplexities[0]; len(perplexities) > 1 {
		o.Perplexities = perplexities
	}
	if rate := c.String("learning-rate"); rate != "auto" {
		if o.LearningRate, err = strconv.ParseFloat(rate, 64); err != nil ||
			!(o.LearningRate > 0) {
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
		return o, usageError{nameFlag(err)}
	}
	if initial != "" {
		y, err := matrix.ReadFile(initial)
		if err != nil {
			return o, err
		}
		if y.Cols != o.Components {
			return o, fmt.Errorf("%s has %d columns: starting points of this embedding have %d",
				initial, y.Cols, o.Components)
		}
		o.Initial = y.Data
	}
	if path := c.String("knn"); path != "" {
		f, size, err := atomicfile.Open(path)
		if err != nil {
			return o, fmt.Errorf("%s: %w", path, err)
		}
		defer f.Close()
		if o.Graph, err = tsne.ReadNeighborGraph(f, size); err != nil {
			return o, fmt.Errorf("%s: %w", path, err)
		}
	}
	return o, nil
}

// numberList returns the numbers of a flag that takes one or, separated by commas, several.
func numberList(c *cli.Context, name string) ([]float64, error) {
	var values []float64
	for text := range strings.SplitSeq(c.String(name), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, usagef("--%s must be a number, or several separated by commas, got %q",
				name, c.String(name))
		}
		values = append(values, v)
	}
	return values, nil
}

// nameFlag turns an error of Fit about an option into one about its flag.
func nameFlag(err error) error {
	var bad *tsne.OptionError
	if !errors.As(err, &bad) {
		return err
	}
	flag := kebab(bad.Field)
	switch bad.Field {
	case "Graph":
		flag = "knn"
	case "Perplexities":
		flag = "perplexity"
	}
	return fmt.Errorf("--%s is %v: want %s", flag, bad.Value, bad.Want)
}
