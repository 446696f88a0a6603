// Command latent trains the notebook's autoencoder, embeds, classifies and
// draws: see latent --help.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
)

// Exit codes.
const (
	exitFailed      = 1   // file, data, libtorch, numbers
	exitUsage       = 2   // the call was wrong
	exitInterrupted = 130 // by a signal, after saving
)

func main() {
	os.Exit(execute(os.Args))
}

// execute runs one call of the program and returns its exit code.
func execute(args []string) (code int) {
	debug.SetTraceback("none")
	log.SetOutput(io.Discard) // what a package logs it returns as well
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr,
				"latent: internal error: %v; please report it with what `latent info` prints\n", r)
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
	if err == nil || isClosedPipe(err) { // a reader that has seen enough, such as head
		return 0
	}
	fmt.Fprintln(os.Stderr, "latent: "+oneLine(err))
	return exitCode(err)
}
