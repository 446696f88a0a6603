package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"latent/internal/progress"
	"latent/internal/view"
)

func viewCommand() *cli.Command {
	return &cli.Command{
		Name:      "view",
		Usage:     "watch a run, or look at its report, in the browser",
		ArgsUsage: "DIR",
		Description: `Shows a run folder, a notebook's folder, a page of latent report or a map that latent tsne makes: the
losses as they fall, test images and their reconstructions, the time that is left, maps as they form,
and the report once the folder is finished. It listens on this machine alone, under an address that
nobody can guess, and changes nothing in the folder. Ctrl-C ends it; the run goes on.

    latent view runs/notebook
    latent view y.npy
    latent view --no-browser --port 8080 runs/a`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "port", Usage: "port on 127.0.0.1; 0 takes a free one"},
			&cli.BoolFlag{Name: "no-browser", Usage: "only print the address",
				DisableDefaultText: true},
		},
		Action: viewFolder,
	}
}

func viewFolder(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usagef("%s takes one folder or file, behind the flags (see %s --help)",
			c.Command.HelpName, c.Command.HelpName)
	}
	if port := c.Int("port"); port < 0 || port > 65535 {
		return usagef("--port must be 0 to 65535, got %d", port)
	}
	s, err := view.Listen(c.Args().First(), c.Int("port"))
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, s.URL())
	if err := flush(c); err != nil {
		return err
	}
	if !c.Bool("no-browser") {
		openBrowser(s.URL())
	}
	if err := s.Serve(c.Context); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // Ctrl-C is how it ends
}

func viewFlag() cli.Flag {
	return &cli.BoolFlag{Name: "view",
		Usage: "open the browser and show the work there, and afterwards its " +
			"result, until Ctrl-C",
		DisableDefaultText: true}
}

// watch shows path, once it is there, to the browser, if --view asks for it. The work goes
// on whether or not that succeeds. end is to be called with what the command returns: after
// work that is done the page stays until Ctrl-C.
func watch(c *cli.Context, path string, d *progress.Display) (end func(error)) {
	if !c.Bool("view") {
		return func(error) {}
	}
	ctx, stop := context.WithCancel(c.Context)
	served := make(chan error, 1)
	go func() { served <- serveWhenThere(ctx, path, d) }()
	return func(err error) {
		defer stop()
		if err != nil || flush(c) != nil {
			return
		}
		d.Printf("the page stays until Ctrl-C")
		<-served
	}
}

// serveWhenThere serves path from when it is there until ctx ends.
func serveWhenThere(ctx context.Context, path string, d *progress.Display) error {
	for {
		s, err := view.Listen(path, 0)
		if err == nil {
			d.Printf("%s", s.URL())
			openBrowser(s.URL())
			return s.Serve(ctx)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			d.Printf("note: nothing to see in the browser: %v", err)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// flush prints what the command has to say so far.
func flush(c *cli.Context) error {
	if f, ok := c.App.Writer.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// openBrowser opens a page in the user's browser, where there is one.
func openBrowser(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	if cmd := exec.Command(name, args...); cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
