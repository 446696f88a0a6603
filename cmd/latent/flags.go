package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/dataset"
	"latent/internal/notebook"
	"latent/internal/progress"
	"latent/torch"
)

// Flags that several commands have, with one meaning.

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the results as one JSON object", DisableDefaultText: true}
}

func quietFlag() cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no progress", DisableDefaultText: true}
}

func dataFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data", Value: "data", Usage: "`DIR` of the datasets, laid out as torchvision does"},
		&cli.StringFlag{Name: "dataset", Value: "mnist", Usage: strings.Join(dataset.Names(), ", ")},
	}
}

func deviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		threadsFlag(),
	}
}

func threadsFlag() cli.Flag {
	return &cli.IntFlag{Name: "threads", Value: torch.DefaultThreads(), DefaultText: "all cores", Usage: "cores to compute on"}
}

func runFlag() cli.Flag {
	return &cli.StringFlag{Name: "run", Usage: "run folder `DIR` of a trained model"}
}

// outputFlag names a file that is written, outFlag a folder.
func outputFlag(usage string) cli.Flag { return writtenFlag("output", usage) }
func outFlag(usage string) cli.Flag    { return writtenFlag("out", usage) }

func writtenFlag(name, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Aliases: []string{"o"}, Usage: usage}
}

// threads returns --threads, at least 1.
func threads(c *cli.Context) (int, error) {
	n := c.Int("threads")
	if n < 1 {
		return 0, usagef("--threads must be at least 1, got %d", n)
	}
	return n, nil
}

// need returns a flag that must be given.
func need(c *cli.Context, name string) (string, error) {
	value := c.String(name)
	if value == "" {
		return "", usagef("%s needs --%s (see %s --help)", c.Command.HelpName, name, c.Command.HelpName)
	}
	return value, nil
}

// display is where a command shows its progress.
func display(c *cli.Context) *progress.Display { return progress.ForFile(os.Stderr, c.Bool("quiet")) }

// modelFlags are those of commands that use a trained model.
func modelFlags() []cli.Flag {
	return append([]cli.Flag{
		runFlag(),
		&cli.StringFlag{Name: "data", Value: "data", DefaultText: "the run's", Usage: "`DIR` of the datasets"},
	}, append(deviceFlags(), quietFlag())...)
}

// openModel loads the model that --run names.
func openModel(c *cli.Context) (*notebook.Model, error) {
	dir, err := need(c, "run")
	if err != nil {
		return nil, err
	}
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	if err := notebook.CheckDevice(c.String("device")); err != nil {
		return nil, usageError{err}
	}
	m, err := notebook.OpenModel(dir, c.String("device"), n)
	if err == nil && c.IsSet("data") {
		m.Config.Data = c.String("data")
	}
	return m, err
}

// checkMatrixName refuses a file that could not be written as a matrix, before
// any work is done for it.
func checkMatrixName(flag, path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy", ".csv":
		return nil
	}
	return usagef("--%s must end in .npy or .csv, got %q", flag, path)
}

func checkDataset(name string) error {
	if !slices.Contains(dataset.Names(), name) {
		return usagef("unknown dataset %q: want %s", name, strings.Join(dataset.Names(), ", "))
	}
	return nil
}
