package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/train"
)

// Flags that several commands have, with one meaning.

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the results as one JSON object",
		DisableDefaultText: true}
}

func quietFlag() cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "do not show progress",
		DisableDefaultText: true}
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

// placeFlags are the named ones of train.PlaceOptions, with their defaults.
func placeFlags(names ...string) []cli.Flag {
	data, set, device, threads := "data", "mnist", "auto", runtime.GOMAXPROCS(0)
	var flags []cli.Flag
	for _, o := range train.PlaceOptions(&data, &set, &device, &threads) {
		if slices.Contains(names, o.Flag) {
			flags = append(flags, optionFlag(o))
		}
	}
	return flags
}

func dataFlags() []cli.Flag { return placeFlags("data", "dataset") }

func deviceFlags() []cli.Flag { return placeFlags("device", "threads") }

// ownFlags are the named ones of a user's own data, with the command's help for --input, and
// scale, what --scale is by default.
func ownFlags(input, scale string, names ...string) []cli.Flag {
	var flags []cli.Flag
	for _, o := range new(train.OwnData).Options(scale) {
		if o.Flag == "input" {
			o.Usage = input
		}
		if slices.Contains(names, o.Flag) {
			flags = append(flags, optionFlag(o))
		}
	}
	return flags
}

// ownData are the values of these flags.
func ownData(c *cli.Context) (train.OwnData, error) {
	o := train.OwnData{Input: c.String("input"), Labels: c.String("labels"),
		LabelColumn: c.String("label-column"),
		TestInput:   c.String("test-input"), TestLabels: c.String("test-labels"),
		Scale: c.String("scale"), ImageSize: c.String("image-size")}
	if _, _, err := train.ParseImageSize(o.ImageSize); err != nil {
		return o, usageError{err}
	}
	if o.Labels != "" && o.LabelColumn != "" {
		return o, usagef("--labels and --label-column both name the labels: leave one out")
	}
	if o.Scale != "" {
		if err := dataset.CheckScale(o.Scale); err != nil {
			return o, usageError{err}
		}
	}
	return o, nil
}

func threadsFlag() cli.Flag { return placeFlags("threads")[0] }

func runFlag() cli.Flag {
	return &cli.StringFlag{Name: "run", Usage: "run folder `DIR` of a trained model"}
}

// modelFlags are those of commands that use a trained model.
func modelFlags() []cli.Flag {
	return append([]cli.Flag{
		runFlag(),
		&cli.StringFlag{Name: "data", Value: "data", DefaultText: "the run's",
			Usage: "`DIR` of the datasets"},
	}, append(deviceFlags(), quietFlag())...)
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
		return "", usagef("%s needs --%s (see %s --help)", c.Command.HelpName, name,
			c.Command.HelpName)
	}
	return value, nil
}

// display is where a command shows its progress.
func display(c *cli.Context) *progress.Display {
	return progress.ForFile(os.Stderr, c.Bool("quiet"))
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
