//go:build linux && cgo

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"latent/autoenc"
	"latent/internal/matrix"
)

func encodeCommand() *cli.Command {
	return &cli.Command{
		Name:  "encode",
		Usage: "write the latent vectors of a split or of any matrix",
		Description: `Passes images through the encoder of a trained model and writes one row of latent values per image.
--input takes any matrix of 784 columns, pixels from 0 to 1.

    latent encode --run runs/a --split train --output z.npy
    latent encode --run runs/a --input x.csv --output z.csv`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "split", Usage: "split to encode: train or test"},
			&cli.StringFlag{Name: "input", Usage: "matrix to encode instead of a split: `X.npy` or X.csv"},
			outputFlag("file to write the latents to: `Z.npy` or Z.csv"),
			jsonFlag(),
		}, modelFlags()...),
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
	m, err := openModel(c)
	if err != nil {
		return err
	}
	var x autoenc.Samples
	if input != "" {
		in, err := matrix.ReadFile(input)
		if err != nil {
			return err
		}
		if in.Cols != m.DimIn() {
			return fmt.Errorf("%s has %d columns: the model takes %d, one per pixel", input, in.Cols, m.DimIn())
		}
		x = autoenc.FromFloats(in.Data, in.Rows)
	} else {
		d := display(c)
		data, err := m.Data(c.Context, d)
		d.Done()
		if err != nil {
			return err
		}
		s := data.Test
		if split == "train" {
			s = data.Train
		}
		x = autoenc.FromPixels(s.Images, s.N)
	}
	z, err := autoenc.Encode(c.Context, m, x)
	if err != nil {
		return err
	}
	dims := len(z) / x.Len()
	if err := matrix.WriteFile(output, matrix.Matrix{Data: z, Rows: x.Len(), Cols: dims}); err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, map[string]any{"output": output, "n": x.Len(), "dims": dims})
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %d latents of %d numbers\n", output, x.Len(), dims)
	return err
}
