package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
		Description: `Shows a run folder, a notebook's folder or a page of latent report: the losses as they fall, the
time that is left, maps as they form, and the report once the folder is finished. It listens on this
machine alone, under an address that nobody can guess, and changes nothing in the folder. Ctrl-C
ends it; the run goes on.

    latent view runs/notebook
    latent view --no-browser --port 8080 runs/a`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "port", Usage: "port on 127.0.0.1; 0 takes a free one"},
			&cli.BoolFlag{Name: "no-browser", Usage: "only print the address", DisableDefaultText: true},
		},
		Action: viewFolder,
	}
}

func viewFolder(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usagef("%s takes one folder, behind the flags (see %s --help)", c.Command.HelpName, c.Command.HelpName)
	}
	if port := c.Int("port"); port < 0 || port > 65535 {
		return usagef("--port must be 0 to 65535, got %d", port)
	}
	s, err := view.Listen(c.Args().First(), c.Int("port"))
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, s.URL())
	if f, ok := c.App.Writer.(interface{ Flush() error }); ok {
		if err := f.Flush(); err != nil {
			return err
		}
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
	return &cli.BoolFlag{Name: "view", Usage: "open the browser and show the work there, until it ends", DisableDefaultText: true}
}

// watch shows dir, once it is there, to the browser until ctx ends, if --view asks for it.
// The work goes on whether or not that succeeds.
func watch(c *cli.Context, dir string, d *progress.Display) (stop context.CancelFunc) {
	ctx, stop := context.WithCancel(c.Context)
	if !c.Bool("view") {
		return stop
	}
	go func() {
		for {
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
		s, err := view.Listen(dir, 0)
		if err != nil {
			d.Printf("note: nothing to see in the browser: %v", err)
			return
		}
		d.Printf("%s", s.URL())
		openBrowser(s.URL())
		_ = s.Serve(ctx)
	}()
	return stop
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
