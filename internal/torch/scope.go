package torch

// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	gotorch "github.com/wangkuiyi/gotorch"
)

// Error is what libtorch said, with the operation and the shapes it was given.
type Error struct {
	Op      string // the operation, by PyTorch's name
	Message string // libtorch's first line
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
	text, _, _ = strings.Cut(text, "\n")
	return &Error{Op: op, Message: text}
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
// A panic that is not libtorch's is a bug and goes on upwards.
func Do(f func(s *Scope)) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &Scope{}
	defer s.close()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		case string: // gotorch's own panics carry libtorch's message
			err = &Error{Op: "gotorch", Message: firstLine(r)}
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
	if s == nil {
		panic("torch: an operation needs at least one tensor that belongs to a scope")
	}
	runtime.SetFinalizer(g.T, nil)
	t := &Tensor{g: g, scope: s}
	s.tensors = append(s.tensors, t)
	return t
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}

func shapes(tensors ...*Tensor) string {
	var b strings.Builder
	for i, t := range tensors {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, t.Shape())
	}
	return b.String()
}
