package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"latent/autoenc"
	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/train"
)

// Flags that several commands have, with one meaning.

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the results as one JSON object", DisableDefaultText: true}
}

func quietFlag() cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "do not show progress", DisableDefaultText: true}
}

// optionFlags are the flags of a training run's options, all or the named ones.
func optionFlags(c train.Config, names ...string) []cli.Flag {
	var flags []cli.Flag
	for _, o := range c.Options() {
		if len(names) > 0 && !slices.Contains(names, o.Flag) {
			continue
		}
		flags = append(flags, optionFlag(o))
	}
	return flags
}

func optionFlag(o train.Option) cli.Flag {
	name, text, usage := o.Flag, o.Default, o.Usage
	switch v := o.Value.(type) {
	case *int:
		return &cli.IntFlag{Name: name, Value: *v, DefaultText: text, Usage: usage}
	case *int64:
		return &cli.Int64Flag{Name: name, Value: *v, DefaultText: text, Usage: usage}
	case *float64:
		return &cli.Float64Flag{Name: name, Value: *v, DefaultText: text, Usage: usage}
	case *bool:
		return &cli.BoolFlag{Name: name, Value: *v, DefaultText: text, Usage: usage}
	case *string:
		return &cli.StringFlag{Name: name, Value: *v, DefaultText: text, Usage: usage}
	}
	panic(fmt.Sprintf("no flag for an option of type %T", o.Value))
}

// setOptions overwrites a run's options by the flags that were given.
func setOptions(c *cli.Context, config *train.Config) {
	for _, o := range config.Options() {
		if !c.IsSet(o.Flag) {
			continue
		}
		switch v := o.Value.(type) {
		case *int:
			*v = c.Int(o.Flag)
		case *int64:
			*v = c.Int64(o.Flag)
		case *float64:
			*v = c.Float64(o.Flag)
		case *bool:
			*v = c.Bool(o.Flag)
		case *string:
			*v = c.String(o.Flag)
		}
	}
}

// wrongOption is the error of a call whose options do not validate. It names the flag.
func wrongOption(err error) error {
	var bad *autoenc.OptionError
	if errors.As(err, &bad) {
		return usagef("--%s must be %s, got %v", flagOf(bad.Field), bad.Want, bad.Value)
	}
	return usageError{err}
}

// flagOf is the flag of an option of a training run.
func flagOf(field string) string {
	for _, o := range new(train.Config).Options() {
		if o.Field == field {
			return o.Flag
		}
	}
	return kebab(field)
}

// kebab makes a flag's name of a field's: EarlyExaggeration is early-exaggeration.
func kebab(field string) string {
	var flag strings.Builder
	for i, r := range field {
		if i > 0 && unicode.IsUpper(r) {
			flag.WriteByte('-')
		}
		flag.WriteRune(unicode.ToLower(r))
	}
	return flag.String()
}

func dataFlags() []cli.Flag { return optionFlags(train.DefaultConfig(), "data", "dataset") }

func deviceFlags() []cli.Flag { return optionFlags(train.DefaultConfig(), "device", "threads") }

func threadsFlag() cli.Flag { return optionFlags(train.DefaultConfig(), "threads")[0] }

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
func openModel(c *cli.Context) (*train.Model, error) {
	dir, err := need(c, "run")
	if err != nil {
		return nil, err
	}
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	if err := train.CheckDevice(c.String("device")); err != nil {
		return nil, usageError{err}
	}
	m, err := train.Open(dir, c.String("device"), n)
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

// A matrix may come from standard input and go to standard output.
const standardStream = "-"

// checkOutput is checkMatrixName for a file that may be standardStream; only that takes --format.
func checkOutput(c *cli.Context, flag string) error {
	path, format := c.String(flag), c.String("format")
	if path != standardStream {
		return checkMatrixName(flag, path)
	}
	if !slices.Contains(matrix.Formats, format) {
		return usagef("--format must be %s, got %q", strings.Join(matrix.Formats, " or "), format)
	}
	if c.Bool("json") {
		return usagef("--json and --%s - would both write to standard output", flag)
	}
	return nil
}

// readMatrix reads a file, or standard input, whose bytes tell .npy from .csv.
func readMatrix(c *cli.Context, path string) (matrix.Matrix, error) {
	if path != standardStream {
		return matrix.ReadFile(path)
	}
	m, err := matrix.Read(c.App.Reader)
	if err != nil {
		return m, fmt.Errorf("standard input: %w", err)
	}
	return m, nil
}

// writeMatrix writes a file, or to standard output as --format says.
func writeMatrix(c *cli.Context, path string, m matrix.Matrix) error {
	if path != standardStream {
		return matrix.WriteFile(path, m)
	}
	if err := matrix.Write(c.App.Writer, m, c.String("format")); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

func checkDataset(name string) error {
	if !slices.Contains(dataset.Names(), name) {
		return usagef("unknown dataset %q: want %s", name, strings.Join(dataset.Names(), ", "))
	}
	return nil
}
