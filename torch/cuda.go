//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/cuda.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Stream is a CUDA stream beside the default one, where graphs are recorded; on
// the CPU, and with a libtorch before 2.1, which does not record, it is nothing.
type Stream struct {
	handle C.LatentStream
	record func() recorder // nil: graphs run as they are
	failed bool            // a recording failed: no other is tried
}

// recorder is one recording: CUDA's, or a test's.
type recorder interface {
	begin() error        // what is launched from now on is recorded, not run
	end(keep bool) error // ends that, also after an error of begin's caller
	replay() error       // runs what was recorded
	close()
}

// NewStream makes a stream of a device. The caller closes it.
func NewStream(device string) (*Stream, error) {
	st := &Stream{}
	if !strings.HasPrefix(device, "cuda") {
		return st, nil
	}
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	err := call("stream", func() *C.char {
		if !C.latent_can_capture() {
			return nil
		}
		return C.latent_stream_new(where, &st.handle)
	})
	if st.handle != nil {
		st.record = func() recorder { return new(cudaGraph) }
	}
	return st, err
}

// Do runs f with this thread's operations on the stream, behind what the default
// stream has got before, and what it gets later behind them.
func (st *Stream) Do(f func() error) (err error) {
	if st.handle == nil {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := failure("stream", C.latent_stream_enter(st.handle)); err != nil {
		return err
	}
	defer func() {
		if left := failure("stream", C.latent_stream_leave(st.handle)); err == nil {
			err = left
		}
	}()
	return f()
}

// Close frees the stream.
func (st *Stream) Close() {
	if st != nil && st.handle != nil {
		C.latent_stream_close(st.handle)
		st.handle = nil
	}
}

// eagerRuns is how often a thread runs a Graph as it is before it records it:
// libraries set up their handles and workspaces then, each thread its own, which they
// could not while recording. PyTorch suggests at least three.
const eagerRuns = 3

// Graph is a function of operations on tensors that always does the same:
// recorded as a CUDA graph at its fourth run in a row on one thread and replayed from
// then on, one launch for all its kernels; on the CPU just run. The function must keep
// to tensors that live outside it: it must not read values on the CPU, and what
// changes from run to run (positions, counts) must be in tensors.
//
// Where the recording fails, nothing has been run: the function is run as it is, then
// and later, and so are all graphs of the stream.
type Graph struct {
	stream    *Stream
	f         func(*Scope)
	warn      func(error)
	runs      int // on this thread, as it is
	thread    int
	recording recorder
}

// NewGraph makes a graph of f, to be run inside the stream's Do. warn is told once
// for a stream why it is not recorded; it may be nil. Close the graph before the
// tensors it uses.
func NewGraph(stream *Stream, warn func(error), f func(*Scope)) *Graph {
	return &Graph{stream: stream, warn: warn, f: f}
}

// Run does once what f does. On CUDA it returns before the work is done.
func (g *Graph) Run() error {
	if g.recording != nil {
		return g.recording.replay()
	}
	if g.stream.record == nil || g.stream.failed {
		return Do(g.f)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if id := syscall.Gettid(); id != g.thread {
		g.thread, g.runs = id, 0
	}
	if g.runs < eagerRuns {
		g.runs++
		return Do(g.f)
	}
	if err := g.record(); err != nil {
		g.stream.failed = true
		if g.warn != nil {
			g.warn(
				fmt.Errorf("torch: the step cannot be recorded as a CUDA graph and is launched "+
					"operation by operation: %w", err))
		}
		return Do(g.f)
	}
	return g.recording.replay()
}

func (g *Graph) record() (err error) {
	r := g.stream.record()
	if err := r.begin(); err != nil {
		return err
	}
	kept := false
	defer func() { // a panic of f ends the recording, too
		ended := r.end(kept)
		switch {
		case err == nil && ended == nil && kept:
			g.recording = r
		case err == nil:
			err = ended
		}
	}()
	// frees its tensors while recording: their memory stays the graph's
	if err := Do(g.f); err != nil {
		return err
	}
	kept = true
	return nil
}

// Close frees the recording.
func (g *Graph) Close() {
	if g != nil && g.recording != nil {
		g.recording.close()
		g.recording = nil
	}
}

// cudaGraph is the recorder of CUDA.
type cudaGraph struct{ handle C.LatentGraph }

func (r *cudaGraph) begin() error {
	return failure("graph", C.latent_graph_begin(&r.handle))
}

func (r *cudaGraph) end(keep bool) error {
	return failure("graph", C.latent_graph_end(r.handle, C.bool(keep)))
}

func (r *cudaGraph) replay() error { return failure("graph", C.latent_graph_replay(r.handle)) }

func (r *cudaGraph) close() { C.latent_graph_close(r.handle) }

// RowAt returns the first length elements of row counter[0] of an int64 matrix;
// the row number stays on the device.
func RowAt(s *Scope, matrix, counter *Tensor, length int) *Tensor {
	var out C.Tensor
	check("row_at", C.latent_row_at(matrix.c(), counter.c(), C.int64_t(length), &out))
	return s.own(out)
}

// Note writes a one-element tensor to list[counter[0]] and adds 1 to the counter.
func Note(list, counter, value *Tensor) {
	check("note", C.latent_note(list.c(), counter.c(), value.c()))
}

// NoteNotFinite makes flag, a float32 tensor of one element, 1 where value has an
// element that is NaN or infinite, and else leaves it.
func NoteNotFinite(flag, value *Tensor) {
	check("isfinite", C.latent_note_not_finite(flag.c(), value.c()))
}

// Address is where the tensor's elements lie: another one after it was moved to
// another device, or back.
func (t *Tensor) Address() uint64 {
	var address C.uint64_t
	check("data_ptr", C.latent_address(t.c(), &address))
	return uint64(address)
}

// StepUnless is Step, but changes nothing where skip, a float32 tensor of one element
// on the parameters' device, is not 0. On CUDA the CPU waits for nothing and does not
// learn what happened: torch.optim.Adam with fused and capturable. Tell SetSteps how
// many steps have been taken.
func (a *Adam) StepUnless(skip *Tensor) {
	if a.count == nil {
		if skip.Item() == 0 {
			a.Step()
		}
		return
	}
	p, m, v := a.handles(), handles(a.expAvg), handles(a.expAvgSq)
	check("fused_adam",
		C.latent_adam_fused(unsafe.SliceData(p), unsafe.SliceData(m), unsafe.SliceData(v),
			C.int64_t(len(p)), a.count.c(), skip.c(), C.double(a.LearningRate), C.double(a.Beta1),
			C.double(a.Beta2), C.double(a.Epsilon), C.double(a.WeightDecay)))
	runtime.KeepAlive(a)
}

// SetSteps tells how many steps have been taken with StepUnless.
func (a *Adam) SetSteps(n int) { a.step = n }
