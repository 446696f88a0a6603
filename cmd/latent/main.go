// Command latent trains the notebook's autoencoder, embeds, classifies and
// draws: see latent --help.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitFailed      = 1   // file, data, libtorch, numbers
	exitUsage       = 2   // the call was wrong
	exitInterrupted = 130 // by a signal, after saving
)

func main() { os.Exit(execute(os.Args)) }

// execute runs one call of the program and returns its exit code.
func execute(args []string) (code int) {
	debug.SetTraceback("none")
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "latent: internal error: %v; please report it with what `latent info` prints\n", r)
			code = exitFailed
		}
	}()
	ctx, stop := signalContext()
	defer stop()
	out := bufio.NewWriter(os.Stdout)
	err := newApp(out).RunContext(ctx, args)
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	var usage usageError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // a reader that has seen enough, such as head
		return 0
	case errors.Is(err, context.Canceled):
		code = exitInterrupted
	case errors.As(err, &usage):
		code = exitUsage
	default:
		code = exitFailed
	}
	fmt.Fprintln(os.Stderr, "latent: "+strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	return code
}

// signalContext ends with the first signal to stop; the second one kills the
// process. A closed pipe is an error of the write alone, not a signal.
func signalContext() (context.Context, context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	var signals []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as under nohup
			signals = append(signals, s)
		}
	}
	if len(signals) == 0 {
		return context.WithCancel(context.Background())
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
