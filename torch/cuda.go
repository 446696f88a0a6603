//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/cuda.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Stream is a CUDA stream beside the default one, where graphs are recorded; on
// the CPU it is nothing.
type Stream struct{ handle C.LatentStream }

// NewStream makes a stream of a device. The caller closes it.
func NewStream(device string) (*Stream, error) {
	st := &Stream{}
	if !strings.HasPrefix(device, "cuda") {
		return st, nil
	}
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	return st, call("stream", func() *C.char { return C.latent_stream_new(where, &st.handle) })
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

// eagerRuns is how often a Graph runs as it is before it is recorded: libraries
// set up their workspaces then, which they could not while recording. PyTorch
// suggests at least three.
const eagerRuns = 3

// Graph is a function of operations on tensors that always does the same:
// recorded as a CUDA graph at its fourth run and replayed from then on, one
// launch for all its kernels; on the CPU just run. The function must keep to
// tensors that live outside it: it must not read values on the CPU, and what
// changes from run to run (positions, counts) must be in tensors.
type Graph struct {
	stream *Stream
	f      func(*Scope)
	runs   int
	handle C.LatentGraph
}

// NewGraph makes a graph of f, to be run inside the stream's Do. Close it before
// the tensors it uses.
func NewGraph(stream *Stream, f func(*Scope)) *Graph { return &Graph{stream: stream, f: f} }

// Run does once what f does. On CUDA it returns before the work is done.
func (g *Graph) Run() error {
	if g.stream.handle == nil || g.runs < eagerRuns {
		g.runs++
		return Do(g.f)
	}
	if g.handle == nil {
		if err := g.record(); err != nil {
			return fmt.Errorf("torch: the step cannot be recorded as a CUDA graph: %w", err)
		}
	}
	return failure("graph", C.latent_graph_replay(g.handle))
}

func (g *Graph) record() error {
	var h C.LatentGraph
	if err := failure("graph", C.latent_graph_begin(&h)); err != nil {
		return err
	}
	err := Do(g.f) // frees its tensors while recording: their memory stays the graph's
	ended := failure("graph", C.latent_graph_end(h, C.bool(err == nil)))
	if err != nil {
		return err
	}
	if ended != nil {
		return ended
	}
	g.handle = h
	return nil
}

// Close frees the recording.
func (g *Graph) Close() {
	if g != nil && g.handle != nil {
		C.latent_graph_close(g.handle)
		g.handle = nil
	}
}

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

// StepOnDevice is Step with the number of steps taken in a float32 tensor of one
// element on the parameters' device, which grows by one: torch.optim.Adam with
// fused and capturable. Steps does not count it, see SetSteps. On the CPU it is
// Step itself.
func (a *Adam) StepOnDevice(step *Tensor, device string) {
	if !strings.HasPrefix(device, "cuda") {
		a.step = int(step.Item())
		CopyFrom(step, []float32{float32(a.step + 1)})
		a.Step()
		return
	}
	a.stepFused(step)
}

func (a *Adam) stepFused(step *Tensor) {
	p, m, v := a.handles(), handles(a.expAvg), handles(a.expAvgSq)
	check("fused_adam", C.latent_adam_fused(unsafe.SliceData(p), unsafe.SliceData(m), unsafe.SliceData(v),
		C.int64_t(len(p)), step.c(), C.double(a.LearningRate), 0.9, 0.999, 1e-8, C.double(a.WeightDecay)))
	runtime.KeepAlive(a)
}

// SetSteps tells how many steps have been taken with StepOnDevice.
func (a *Adam) SetSteps(n int) { a.step = n }
