//go:build linux && cgo

package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"latent/autoenc"
	"latent/internal/matrix"
	"latent/internal/train"
)

func encodeCommand() *cli.Command {
	return &cli.Command{
		Name:  "encode",
		Usage: "write the latent vectors of a split or of any matrix",
		Description: `Passes images through the encoder of a trained model and writes one row of latent values per image.
--input takes rows of your own, in every form that latent train takes. They are scaled as the
model's training rows were; for a model of --dataset, bytes become byte / 255 and other numbers are
pixels from 0 to 1 already.

    latent encode --run runs/a --split train --output z.npy
    latent encode --run runs/a --input x.csv --output z.csv`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "split", Usage: "split to encode: train or test"},
		}, ownFlags("rows to encode instead of a split: `X`.npy, X.npz:NAME, X.csv, an IDX "+
			"file, or a folder of pictures", "", "input", "label-column", "image-size"),
			[]cli.Flag{
				outputFlag("file to write the latents to: `Z.npy` or Z.csv"),
				jsonFlag(),
			}, modelFlags()),
		Action: encode,
	}
}

func encode(c *cli.Context) error {
	output, err := need(c, "output")
	if err != nil {
		return err
	}
	split, input := c.String("split"), c.String("input")
	switch {
	case (split == "") == (input == ""):
		return usagef("latent encode needs either --split or --input")
	case input == "" && split != "train" && split != "test":
		return usagef("--split must be train or test, got %q", split)
	}
	if err := checkMatrixName("output", output); err != nil {
		return err
	}
	own, err := ownData(c)
	if err != nil {
		return err
	}
	m, err := openModel(c)
	if err != nil {
		return err
	}
	var x autoenc.Samples
	d := display(c)
	if input != "" {
		rows, err := m.ReadRows(c.Context, own, d)
		d.Done()
		if err != nil {
			return err
		}
		x = train.Samples(rows)
	} else {
		data, err := m.Data(c.Context, d)
		d.Done()
		if err != nil {
			return err
		}
		s := data.Test
		if split == "train" {
			s = data.Train
		}
		x = train.Samples(s)
	}
	z, err := autoenc.Encode(c.Context, m, x)
	if err != nil {
		return err
	}
	dims := len(z) / x.Len()
	if err := matrix.WriteFile(output,
		matrix.Matrix{Data: z, Rows: x.Len(), Cols: dims}); err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, map[string]any{"output": output, "n": x.Len(), "dims": dims})
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %d latents of %d numbers\n", output, x.Len(), dims)
	return err
}
