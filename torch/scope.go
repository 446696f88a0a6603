//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
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
	mu      sync.Mutex // a tensor that several goroutines read brings each of them here
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
	handle := cgo.NewHandle(s)
	before := C.latent_enter_scope(C.uintptr_t(handle))
	defer s.close()
	defer func() {
		C.latent_enter_scope(before)
		handle.Delete()
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

// current is the scope of the innermost Do on this thread, nil outside any.
func current() *Scope {
	if h := C.latent_scope(); h != 0 {
		return cgo.Handle(h).Value().(*Scope)
	}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]C.Tensor, 0, len(s.tensors))
	for i := len(s.tensors) - 1; i >= 0; i-- {
		if t := s.tensors[i]; t.scope == s && t.g.T != nil && !t.borrowed {
			list = append(list, C.Tensor(*t.g.T))
			t.g.T = nil
		}
	}
	C.latent_free_tensors(unsafe.SliceData(list), C.int64_t(len(list)))
	s.tensors = nil
}

// Keep takes a tensor out of its scope: it lives until its Close, or, where that
// is forgotten, until the garbage collector finds that nobody has it.
func (s *Scope) Keep(t *Tensor) *Tensor {
	p := t.c()
	if t.scope != nil && !t.borrowed {
		t.net = runtime.AddCleanup(t, func(p unsafe.Pointer) { C.Tensor_Close(C.Tensor(p)) },
			unsafe.Pointer(p))
	}
	t.scope = nil
	return t
}

// scopeOf is where the result of an operation on these tensors belongs: the
// first one's scope, or, where none has one, that of the Do that runs.
func scopeOf(tensors ...*Tensor) *Scope {
	for _, t := range tensors {
		if t != nil && t.scope != nil {
			return t.scope
		}
	}
	return nil
}

// own makes a tensor of the scope from a result pointer of the shim.
func (s *Scope) own(made C.Tensor) *Tensor {
	t := &Tensor{p: unsafe.Pointer(made)}
	s.take("", nil, t)
	return t
}

// adopt takes over a tensor that gotorch made: its finalizer is cleared first,
// so that it is freed once.
func (s *Scope) adopt(g gotorch.Tensor) *Tensor {
	runtime.SetFinalizer(g.T, nil)
	return s.own(C.Tensor(*g.T))
}

// take makes t, whose pointer an operation has set, the scope's, or panics with
// what the operation failed of.
func (s *Scope) take(op string, failed *C.char, t *Tensor) {
	if failed != nil {
		check(op, failed)
	}
	t.g.T = &t.p
	if s == nil {
		s = current()
	}
	if s == nil {
		t.Close()
		panic(&Error{"scope",
			"an operation runs inside Do, or on a tensor that belongs to a scope"})
	}
	t.scope = s
	s.mu.Lock()
	s.tensors = append(s.tensors, t)
	s.mu.Unlock()
}

// takeList is take for an operation that makes an array of tensors.
func (s *Scope) takeList(op string, failed *C.char, list *C.Tensor, n C.int64_t) []*Tensor {
	check(op, failed)
	defer C.latent_free_list(list)
	made := make([]*Tensor, n)
	for i, t := range unsafe.Slice(list, n) {
		made[i] = s.own(t)
	}
	return made
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}
