//go:build linux && cgo

package torch

// #include "native/trace.h"
import "C"

import "strings"

// Operators runs f and lists the operators that libtorch ran meanwhile, by the names
// that torch.profiler gives them ("aten::addmm"), in order: what f launches on a GPU,
// found out without one, since the CPU runs the code for other devices meanwhile, in
// place of its own. One at a time in a process.
func Operators(f func() error) (names []string, err error) {
	if err := call("trace", func() *C.char { return C.latent_trace_start() }); err != nil {
		return nil, err
	}
	defer func() {
		var text *C.char
		if stopped := failure("trace", C.latent_trace_stop(&text)); stopped != nil {
			err = stopped
			return
		}
		defer C.latent_free_string(text)
		names = strings.Fields(C.GoString(text))
	}()
	return nil, f()
}
