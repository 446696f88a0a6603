//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// chosen says that Init has set the number of threads.
var chosen atomic.Bool

// setUp prepares libtorch once for the process, at its first use: freed memory is
// kept for reuse, the BLAS runs on the threads that call it (its own beside
// libtorch's would wait for each other) and with the kernels of this CPU, libtorch
// on all cores unless Init said otherwise.
var setUp = sync.OnceValue(func() error {
	if err := failure("init", C.latent_init()); err != nil {
		return err
	}
	if err := fitBLAS(); err != nil {
		return err
	}
	if chosen.Load() {
		return nil
	}
	return failure("set_num_threads",
		C.latent_set_num_threads(C.int32_t(min(DefaultThreads(), mostThreads()))))
})

// mostThreads bounds what Init takes: libtorch starts every thread it is asked for.
func mostThreads() int { return max(64, 4*runtime.NumCPU()) }

// Init sets the number of threads that libtorch may use, at least 1. Without it
// libtorch is set up at its first use, with DefaultThreads. It may be called again,
// but not while something is at work. Denormal floats stay what they are, as in
// PyTorch: flushing them is a setting of each thread, so that a result would hang
// on the thread it came from.
func Init(threads int) error {
	if most := mostThreads(); threads < 1 || threads > most {
		return fmt.Errorf("torch: threads must be between 1 and %d on this machine, got %d", most,
			threads)
	}
	chosen.Store(true)
	return call("set_num_threads",
		func() *C.char { return C.latent_set_num_threads(C.int32_t(threads)) })
}

// call is failure of what a function of the shim returns, libtorch set up before.
func call(op string, f func() *C.char) error {
	if err := setUp(); err != nil {
		return err
	}
	return failure(op, f())
}

// enter sets libtorch up and brings the calling thread to its number of threads.
func enter() error {
	return call("set_num_threads", func() *C.char { return C.latent_enter() })
}
