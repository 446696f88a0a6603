package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalContext ends with the first signal to stop; the second one kills the
// process. A closed pipe and a file grown too large are errors of the write alone.
func signalContext() (context.Context, context.CancelFunc) {
	surviveFailedWrites()
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
