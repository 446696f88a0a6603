package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// surviveFailedWrites has nothing to do: no signal comes with a failed write here.
func surviveFailedWrites() {}

func isClosedPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
