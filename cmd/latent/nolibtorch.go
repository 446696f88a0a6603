//go:build !(linux && cgo)

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"latent/centroid"
	"latent/internal/train"
)

func trainCommand() *cli.Command    { return absent("train") }
func encodeCommand() *cli.Command   { return absent("encode") }
func notebookCommand() *cli.Command { return absent("notebook") }

// absent is a command that needs libtorch. It takes any flags, so that each call of it
// gets the same answer.
func absent(name string) *cli.Command {
	return &cli.Command{
		Name: name, Usage: "(needs libtorch, which this build is without)", SkipFlagParsing: true,
		Action: func(*cli.Context) error { return needsLibtorch("latent " + name) },
	}
}

// needsLibtorch is the error of a call that needs libtorch.
func needsLibtorch(call string) error {
	return fmt.Errorf("%s needs libtorch, which this latent was built without: run make on Linux "+
		"with a C++ compiler and cgo enabled", call)
}

// classifyRun would encode the run's images.
func classifyRun(c *cli.Context, _ train.OwnData, _ centroid.Metric) error {
	if _, err := need(c, "run"); err != nil {
		return err
	}
	return needsLibtorch("latent classify --run")
}

// findLibtorch finds none.
func findLibtorch(device string, threads int) (libtorch, error) {
	if device != "auto" && device != "cpu" {
		return libtorch{}, needsLibtorch("--device " + device)
	}
	return libtorch{rows: [][]string{{"libtorch", "none (built without)"}}, device: "cpu",
		threads: threads}, nil
}
