//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
)

// Error is what libtorch said of an operation.
type Error struct {
	Op      string // the operation, by PyTorch's name
	Message string // libtorch's first line, which names the shapes that do not fit
}

func (e *Error) Error() string { return "torch: " + e.Op + ": " + e.Message }

// check panics with an *Error when the shim returned a message; Do recovers it.
func check(op string, message *C.char) {
	if err := failure(op, message); err != nil {
		panic(err)
	}
}

// failure turns the shim's message into an error, nil for none, and frees it.
func failure(op string, message *C.char) error {
	if message == nil {
		return nil
	}
	text := C.GoString(message)
	C.latent_free_string(message)
	return &Error{Op: op, Message: firstLine(text)}
}

// named runs one of gotorch's operations. Its panics are strings, libtorch's
// message alone: they go on as an *Error that names the operation.
func named[R any](op string, f func() R) R {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case string:
			panic(&Error{Op: op, Message: firstLine(r)})
		default:
			panic(r)
		}
	}()
	return f()
}

// Scope owns the tensors made during one Do.
type Scope struct {
	tensors []*Tensor
}

// Do runs f with a new scope and frees the scope's tensors when f ends. It
// returns the error of the first operation that failed; operations after it have
// not run. The calling goroutine stays on its thread while f runs, since
// libtorch keeps its gradient mode and thread count per thread.
//
// A panic that is not an *Error is a bug and propagates.
func Do(f func(s *Scope)) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := enter(); err != nil {
		return err
	}
	s := &Scope{}
	defer s.close()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	f(s)
	return nil
}

// NoGrad is Do with gradients switched off, as under torch.no_grad().
func NoGrad(f func(s *Scope)) error {
	return Do(func(s *Scope) {
		defer s.setGrad(false)()
		f(s)
	})
}

// setGrad switches gradient recording and returns what restores it.
func (s *Scope) setGrad(on bool) (restore func()) {
	var before C.bool
	check("grad_mode", C.latent_grad_enabled(&before))
	check("grad_mode", C.latent_set_grad_enabled(C.bool(on)))
	return func() { C.latent_set_grad_enabled(before) }
}

func (s *Scope) close() {
	for i := len(s.tensors) - 1; i >= 0; i-- {
		if t := s.tensors[i]; t.scope == s {
			t.Close()
		}
	}
	s.tensors = nil
}

// Keep takes a tensor out of its scope: it lives until its Close.
func (s *Scope) Keep(t *Tensor) *Tensor {
	t.scope = nil
	return t
}

// own makes a tensor of the scope from a result pointer of the shim.
func (s *Scope) own(t C.Tensor) *Tensor {
	p := unsafe.Pointer(t)
	return s.adopt(gotorch.Tensor{T: &p})
}

// adopt takes over a tensor that gotorch made: its finalizer is cleared first,
// so that it is freed once.
func (s *Scope) adopt(g gotorch.Tensor) *Tensor {
	runtime.SetFinalizer(g.T, nil)
	t := &Tensor{g: g, scope: s}
	if s == nil {
		t.Close()
		panic(&Error{"scope", "an operation needs at least one tensor that belongs to a scope"})
	}
	s.tensors = append(s.tensors, t)
	return t
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}
