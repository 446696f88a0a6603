//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// surviveFailedWrites takes the signals that come with a failed write.
func surviveFailedWrites() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGXFSZ)
}

func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
