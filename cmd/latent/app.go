package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"latent/internal/run"
)

// usageError is an error of the call: an unknown flag, a value out of range.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is the program's exit code for an error.
func exitCode(err error) int {
	var help cli.ExitCoder // of the library: help for what is not there
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, new(usageError)), errors.As(err, &help):
		return exitUsage
	}
	return exitFailed
}

// oneLine is an error as the user reads it.
func oneLine(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if !errors.Is(err, context.Canceled) {
		return text
	}
	text = strings.Replace(text, ": "+context.Canceled.Error(), "", 1)
	if strings.Contains(text, "interrupted") {
		return text
	}
	return "interrupted: " + text
}

func newApp(out *bufio.Writer) *cli.App {
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"V"},
		Usage: "print the version", DisableDefaultText: true}
	cli.VersionPrinter = func(c *cli.Context) {
		fmt.Fprintln(c.App.Writer, "latent",
			run.ProgramVersion)
	}
	cli.HelpFlag = &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "print this help",
		DisableDefaultText: true}
	app := &cli.App{
		Name:    "latent",
		Usage:   "autoencoder, contrastive losses, t-SNE, nearest-centroid classifiers",
		Version: run.ProgramVersion,
		Description: `Trains a PyTorch-compatible autoencoder, looks at its latent space with t-SNE and
classifies by the nearest centroid or by k-means.

    latent notebook --out runs/notebook --epochs 20   everything, with figures and a report
    latent train --out runs/a --epochs 20             one model
    latent classify --run runs/a                      accuracy of the nearest centroid
    latent encode --run runs/a --split test --output z.npy
    latent tsne --input z.npy --output y.npy          map any matrix to two dimensions
    latent COMMAND --help                             every flag of a command

Results go to stdout (--json for one JSON object), progress to stderr. Exit codes: 0 done,
1 failed, 2 wrong call, 130 interrupted after saving.`,
		Writer: out, ErrWriter: os.Stderr,
		// a file name may hold a comma
		EnableBashCompletion: true, DisableSliceFlagSeparator: true,
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			dataCommand(), trainCommand(), encodeCommand(), classifyCommand(), tsneCommand(),
			plotCommand(), notebookCommand(), reportCommand(), viewCommand(), infoCommand(),
			completionCommand(), manCommand(),
		},
		Action: needsCommand,
	}
	app.OnUsageError = onUsageError
	for _, command := range app.Commands {
		finish(command)
	}
	return app
}

// finish gives a command what all have: one line for a wrong call, and no arguments beside
// flags where it names none.
func finish(command *cli.Command) {
	command.OnUsageError = onUsageError
	command.HideHelpCommand = true
	if command.Action == nil {
		command.Action = needsCommand
	} else {
		action := command.Action
		command.Action = func(c *cli.Context) error {
			if c.Args().Present() && c.Command.ArgsUsage == "" && !command.SkipFlagParsing {
				return usagef("%s takes flags only, not %q (see %s --help)", c.Command.HelpName,
					c.Args().First(), c.Command.HelpName)
			}
			return action(c)
		}
	}
	for _, sub := range command.Subcommands {
		finish(sub)
	}
}

// needsCommand answers a call without a command, or with an unknown one.
func needsCommand(c *cli.Context) error {
	if !c.Args().Present() {
		if c.Command.HelpName == "latent" {
			return cli.ShowAppHelp(c)
		}
		return cli.ShowSubcommandHelp(c)
	}
	name := c.Args().First()
	hint := strings.TrimSuffix(cli.SuggestCommand(c.Command.Subcommands, name), "?")
	if hint != "" {
		hint = ", d" + strings.TrimPrefix(hint, "D")
	}
	return usagef("unknown command %q%s (see %s --help)", name, hint, c.Command.HelpName)
}

// oneLetter is a short flag with the two dashes of a long one.
var oneLetter = regexp.MustCompile(`flag --(\w)\b`)

// onUsageError makes one line of what the flag parser found.
func onUsageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = "unknown flag --" + strings.TrimPrefix(name, "-")
		if near := cli.SuggestFlag(c.Command.Flags, name, false); near != "" && near != "-h" {
			text += ", did you mean " + near
		}
	}
	text = strings.Replace(text, "for flag -", "for flag --", 1)
	if after, ok := strings.CutPrefix(text, "invalid boolean value "); ok {
		text = "invalid value " + strings.Replace(after, " for -", " for --", 1)
	}
	text = strings.Replace(text, "flag needs an argument: -", "no value for flag --", 1)
	text = oneLetter.ReplaceAllString(text, "flag -$1")
	return usageError{errors.New(text + " (see " + c.Command.HelpName + " --help)")}
}
