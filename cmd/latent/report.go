package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"latent/internal/progress"
	"latent/internal/report"
	"latent/tsne"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:  "report",
		Usage: "write a page that explores any two-dimensional map",
		Description: `Writes one HTML file, which opens offline: pan, zoom, point at a dot, select by box or lasso,
search, colour by labels or columns, save the selection as CSV and the view as PNG. Maps come from
latent tsne, UMAP, PCA or any other program; several maps show the same rows, and points glide from
one to the other. Above 100,000 points the data is in a folder beside the page: NAME-data.

    latent report --map y.npy -o map.html
    latent report --map tsne=y.npy --map pca=p.csv --labels labels.npy --input x.npy -o map.html
    latent report --map y.npy --columns customers.csv -o customers.html
    latent report --map y.npy --labels train-labels-idx1-ubyte.gz --images train-images-idx3-ubyte.gz \
        --every 3 -o digits.html

Run folders and notebooks' folders, set side by side: one table, one chart of losses, and the maps,
turned to lie as the first one does.

    latent report -o compare.html runs/a runs/b`,
		ArgsUsage: "[RUN1 RUN2 ...]",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "map",
				Usage: "matrix of two columns, `Y.npy` or Y.csv, or NAME=Y.npy; may be repeated"},
			&cli.StringFlag{Name: "labels",
				Usage: "the points' classes: `L.npy`, an IDX file, or a .txt or .csv file of " +
					"one label per line"},
			&cli.StringSliceFlag{Name: "predicted",
				Usage: "predicted classes, a `FILE` like --labels, or NAME=FILE for the map of " +
					"that name; may be repeated"},
			&cli.StringFlag{Name: "class-names",
				Usage: "text `FILE` of one name per line, for classes 0, 1, ..."},
			&cli.StringFlag{Name: "images",
				Usage: "pictures of the points: IDX or .npy `FILE`, n x height x width (x 3 for " +
					"colours) or a row for each square picture, or a folder of PNG, JPEG or GIF " +
					"files in the order of their names"},
			&cli.StringFlag{Name: "columns",
				Usage: "`FILE.csv` with a header: numbers and categories to colour by, texts to " +
					"show and to search"},
			&cli.StringFlag{Name: "input",
				Usage: "matrix `X.npy` or X.csv that was embedded: lines lead to a point's " +
					"nearest rows in it (more than 95 % of them)"},
			&cli.IntFlag{Name: "neighbors", Value: 10,
				Usage: "number of nearest rows, of --input"},
			&cli.IntFlag{Name: "every", Value: 1,
				Usage: "take each `K`-th row of all files but the maps, from the first on"},
			&cli.StringFlag{Name: "title", Usage: "heading of the page",
				DefaultText: "the names of the maps"},
			outputFlag("where the page goes: `F.html`"),
			threadsFlag(), quietFlag(),
		},
		Action: writeReport,
	}
}

func writeReport(c *cli.Context) error {
	output, err := need(c, "output")
	if err != nil {
		return err
	}
	if extension := strings.ToLower(filepath.Ext(output)); extension != ".html" &&
		extension != ".htm" {
		return usagef("--output must end in .html, got %q", output)
	}
	if c.Args().Present() {
		return compareRuns(c, output)
	}
	if len(c.StringSlice("map")) == 0 {
		return usagef("%s needs --map, or run folders (see %s --help)", c.Command.HelpName,
			c.Command.HelpName)
	}
	for _, flag := range []string{"every", "neighbors"} {
		if c.Int(flag) < 1 {
			return usagef("--%s must be at least 1, got %d", flag, c.Int(flag))
		}
	}
	n, err := threads(c)
	if err != nil {
		return err
	}
	d := display(c)
	s := report.Sources{Labels: c.String("labels"), Names: c.String("class-names"),
		Pictures: c.String("images"),
		Columns:  c.String("columns"), Input: c.String("input"), Every: c.Int("every"),
		Neighbors: c.Int("neighbors"), Finder: tsne.ApproximateNeighbors{Threads: n,
			Progress: func(done, total int) {
				d.Update(progress.Status{Label: "neighbors", Unit: "rows", Done: done,
					Total: total})
			}},
		Note: func(line string) { d.Printf("%s", line) }}
	names := map[string]bool{}
	for _, value := range c.StringSlice("map") {
		m := source(value)
		if m.Name == "" {
			m.Name = strings.TrimSuffix(filepath.Base(m.Path), filepath.Ext(m.Path))
		}
		if names[m.Name] {
			return usagef("two maps are called %s: give them names, --map NAME=FILE", m.Name)
		}
		names[m.Name] = true
		s.Maps = append(s.Maps, m)
	}
	for _, value := range c.StringSlice("predicted") {
		p := source(value)
		if p.Name != "" && !names[p.Name] {
			return usagef("--predicted %s: no map is called %s", value, p.Name)
		}
		s.Predicted = append(s.Predicted, p)
	}
	if s.Names != "" && s.Labels == "" && len(s.Predicted) == 0 {
		return usagef("--class-names needs --labels or --predicted")
	}
	e, err := s.Read(c.Context)
	if err != nil {
		return err
	}
	title := c.String("title")
	if title == "" {
		for i, m := range s.Maps {
			if i > 0 {
				title += ", "
			}
			title += m.Name
		}
	}
	err = report.WriteFile(output,
		report.Report{Title: title, Date: time.Now().Format("2 January 2006, 15:04"), Explorer: e})
	d.Done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, output)
	return err
}

// compareRuns writes the report of several run folders.
func compareRuns(c *cli.Context, output string) error {
	for _, name := range []string{"map", "labels", "predicted", "class-names", "images", "columns",
		"input", "every"} {
		if c.IsSet(name) {
			return usagef("--%s is for maps: leave it out beside run folders", name)
		}
	}
	r, err := report.Runs(c.Args().Slice())
	if err != nil {
		return err
	}
	if title := c.String("title"); title != "" {
		r.Title = title
	}
	r.Date = time.Now().Format("2 January 2006, 15:04")
	r.Command = command(os.Args)
	if err := report.WriteFile(output, r); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, output)
	return err
}

// source splits NAME=FILE; a file that has a = in its name follows a name, or ./
func source(value string) report.Source {
	name, path, named := strings.Cut(value, "=")
	if !named || strings.ContainsAny(name, `/\`) {
		return report.Source{Path: value}
	}
	return report.Source{Name: name, Path: path}
}
