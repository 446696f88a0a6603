package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts by which the shells ask the program itself, as urfave/cli has them in
// its autocomplete/ (MIT licence). $PROG stands for the program's name.
var (
	//go:embed completion/bash_autocomplete
	bashCompletion string
	//go:embed completion/zsh_autocomplete
	zshCompletion string
)

func completionCommand() *cli.Command {
	shell := func(name, usage string, script func(*cli.App) (string, error)) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Action: printed(script)}
	}
	return &cli.Command{
		Name:  "completion",
		Usage: "print a shell completion script",
		Description: `    source <(latent completion bash)                  for the current shell
    latent completion fish > ~/.config/fish/completions/latent.fish

` + "`make install`" + ` puts all three where the shells look for them.`,
		Subcommands: []*cli.Command{
			shell("bash", "for bash with its bash-completion package",
				func(a *cli.App) (string, error) {
					return "PROG=" + a.Name + "\n" + bashCompletion, nil
				}),
			shell("zsh", "for zsh", func(a *cli.App) (string, error) {
				return strings.ReplaceAll(zshCompletion, "$PROG", a.Name), nil
			}),
			shell("fish", "for fish", (*cli.App).ToFishCompletion),
		},
	}
}

// manCommand is what `make install` writes the man page with.
func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the man page", Hidden: true,
		Action: printed(func(a *cli.App) (string, error) { return a.ToManWithSection(1) }),
	}
}

// printed is a command that prints a text about the whole program. The app that a
// subcommand sees is its own, so another one is made.
func printed(text func(*cli.App) (string, error)) cli.ActionFunc {
	return func(c *cli.Context) error {
		s, err := text(newApp(nil))
		if err == nil {
			_, err = fmt.Fprint(c.App.Writer, s)
		}
		return err
	}
}
