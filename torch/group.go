//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/dist.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// Group is this process among those that train one model: a c10d process group
// of libtorch, gloo on the CPU, NCCL on CUDA. Its methods are collective: every
// process calls the same ones in the same order. An error, which another
// process's end causes too, leaves the group unusable. Close it.
type Group struct {
	Rank, Size int

	serves  bool // this process serves the store where all meet
	agents  bool // torchrun's agent serves it
	rounds  int  // of Exchange
	device  string
	timeout time.Duration
	handle  C.LatentGroup
}

// JoinGroup waits until all processes have come, and connects them where
// o.Device says on what. Processes on one libtorch version understand each other.
func JoinGroup(o GroupOptions) (*Group, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Device != "" {
		if err := Supports(o.Device); err != nil {
			return nil, err
		}
	}
	g := &Group{Rank: o.Rank, Size: o.Size, timeout: o.Timeout,
		serves: o.Prefix == "" && o.Rank == 0, agents: o.Prefix != ""}
	host, prefix := C.CString(o.Addr), C.CString(o.Prefix+"/latent")
	defer C.free(unsafe.Pointer(host))
	defer C.free(unsafe.Pointer(prefix))
	err := failure("join", C.latent_group_meet(host, C.uint16_t(o.Port), C.bool(g.serves), prefix,
		C.int64_t(o.Timeout.Milliseconds()), &g.handle))
	if err == nil {
		_, err = g.Exchange("")
	}
	if err != nil {
		g.Close()
		return nil, fmt.Errorf("torch: rank %d of %d did not find the others at %s:%d within "+
			"%v: %w",
			o.Rank, o.Size, o.Addr, o.Port, o.Timeout, err)
	}
	if o.Device != "" {
		if err := g.Connect(o.Device); err != nil {
			g.Close()
			return nil, err
		}
	}
	return g, nil
}

// Connect makes the group compute: gloo where device is "cpu", NCCL where it is this
// process's "cuda:N". All processes must name the same kind.
func (g *Group) Connect(device string) error {
	if err := Supports(device); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(device, ":")
	kinds, err := g.Exchange(kind)
	if err != nil {
		return err
	}
	for rank, other := range kinds {
		if other != kind {
			return fmt.Errorf("torch: group: rank %d computes on %s, rank %d on %s: give all "+
				"the same device",
				g.Rank, kind, rank, other)
		}
	}
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	g.device = device
	return g.lost(failure("connect", C.latent_group_connect(g.handle, C.int32_t(g.Rank),
		C.int32_t(g.Size), C.int64_t(g.timeout.Milliseconds()), where)))
}

// Exchange gives every process what each has said, in the order of their ranks, at
// most a few kilobytes each. It needs no device, so that the processes can agree on
// one.
func (g *Group) Exchange(text string) ([]string, error) {
	g.rounds++
	said := func(rank int) string { return fmt.Sprintf("round %d/said/%d", g.rounds, rank) }
	read := func(rank int) string { return fmt.Sprintf("round %d/read/%d", g.rounds, rank) }
	if err := g.put(said(g.Rank), text); err != nil {
		return nil, g.unreachable(err)
	}
	missing, err := g.await(said, g.timeout, false)
	if err != nil {
		return nil, g.unreachable(err)
	}
	if len(missing) > 0 {
		return nil, &Error{"group", fmt.Sprintf("rank %d of %d waited %v for %s", g.Rank, g.Size,
			g.timeout, ranks(missing))}
	}
	texts := make([]string, g.Size)
	for rank := range texts {
		if texts[rank], err = g.get(said(rank)); err != nil {
			return nil, g.unreachable(err)
		}
	}
	if g.serves { // it may end now, and the store with it
		_, err = g.await(read, settle, true)
	} else {
		err = g.put(read(g.Rank), "")
	}
	if err != nil {
		return nil, g.unreachable(err)
	}
	return texts, nil
}

// settle is how long a process that lost another waits for word of the rest.
const settle = time.Second

// await waits until all other processes have put their keys, for at most limit since
// the start or, if again, since the last that came. It returns the ranks that have not.
func (g *Group) await(key func(rank int) string, limit time.Duration, again bool) ([]int, error) {
	var missing []int
	for rank := range g.Size {
		if rank != g.Rank {
			missing = append(missing, rank)
		}
	}
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; len(missing) > 0; pause = min(2*pause, 50*time.Millisecond) {
		var left []int
		for _, rank := range missing {
			came, err := g.has(key(rank))
			if err != nil {
				return missing, err
			}
			if !came {
				left = append(left, rank)
			} else if again {
				deadline = time.Now().Add(limit)
			}
		}
		missing = left
		if len(missing) > 0 {
			if time.Now().After(deadline) {
				break
			}
			time.Sleep(pause)
		}
	}
	return missing, nil
}

func (g *Group) put(key, text string) error {
	k, v := C.CString(key), C.CString(text)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	return failure("group", C.latent_group_put(g.handle, k, v, C.int64_t(len(text))))
}

func (g *Group) has(key string) (yes bool, err error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var there C.bool
	err = failure("group", C.latent_group_has(g.handle, k, &there))
	return bool(there), err
}

func (g *Group) get(key string) (string, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var text *C.char
	var n C.int64_t
	if err := failure("group", C.latent_group_get(g.handle, k, &text, &n)); err != nil {
		return "", err
	}
	defer C.latent_free_string(text)
	return C.GoStringN(text, C.int(n)), nil
}

// AverageGradients turns the parameters' gradients and the float32 vector values
// (losses, flags), which is where the gradients are, into their means over the
// processes, in one flat all-reduce. It panics with an *Error as operations on
// tensors do.
func (g *Group) AverageGradients(parameters []Parameter, values *Tensor) {
	list := make([]C.Tensor, len(parameters))
	for i, p := range parameters {
		list[i] = p.c()
	}
	g.check("all_reduce",
		C.latent_group_average(g.handle, unsafe.SliceData(list), C.int64_t(len(list)),
			values.c()))
	runtime.KeepAlive(parameters)
	runtime.KeepAlive(values)
}

// Broadcast overwrites t with rank 0's, as AverageGradients panicking on failure.
func (g *Group) Broadcast(t *Tensor) {
	g.check("broadcast", C.latent_group_broadcast(g.handle, t.c()))
	runtime.KeepAlive(t)
}

// BroadcastBytes returns rank 0's data; the others' is ignored.
func (g *Group) BroadcastBytes(data []byte) ([]byte, error) {
	err := Do(func(s *Scope) {
		size := From(s, "cpu", []int64{int64(len(data))}, 1)
		g.Broadcast(size)
		n := int(size.Item())
		if g.Rank != 0 {
			data = make([]byte, n)
		}
		t := From(s, "cpu", data, n)
		g.Broadcast(t)
		CopyTo(data, t)
	})
	return data, err
}

// Barrier returns when every process has called it.
func (g *Group) Barrier() error {
	return g.lost(failure("barrier", C.latent_group_barrier(g.handle)))
}

// Close leaves the group without waiting; a second Close does nothing.
func (g *Group) Close() {
	if g != nil && g.handle != nil {
		C.latent_group_close(g.handle)
		g.handle = nil
	}
}

func (g *Group) check(op string, message *C.char) {
	if err := g.lost(failure(op, message)); err != nil {
		panic(err)
	}
}

// lost says in one line what a failed collective means.
func (g *Group) lost(err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	text := e.Message
	if _, after, ok := strings.Cut(text, "] "); ok && text[0] == '[' { // gloo's own source line
		text = after
	}
	return &Error{Op: e.Op, Message: fmt.Sprintf("rank %d of %d lost %s, or waited %v for it: %s",
		g.Rank, g.Size, g.absent(), g.timeout, text)}
}

// absent names the processes that say nothing when this one reports a failure: those
// which have ended, or hang. Whoever is left has noticed too, or does once this
// process has closed its connections.
func (g *Group) absent() string {
	C.latent_group_disconnect(g.handle)
	key := func(rank int) string { return fmt.Sprintf("lost/%d", rank) }
	err := g.put(key(g.Rank), "")
	if err == nil {
		var missing []int
		// Where the store ends meanwhile, its process has ended after it was heard.
		missing, err = g.await(key, settle, true)
		if len(missing) > 0 && (err == nil || len(missing) < g.Size-1) {
			return ranks(missing)
		}
	}
	if err != nil && !g.agents && g.Rank != 0 {
		return "rank 0"
	}
	return "another process"
}

// unreachable is the error of a store that does not answer.
func (g *Group) unreachable(err error) error {
	if g.agents {
		return fmt.Errorf("torchrun's store does not answer: %w", err)
	}
	if g.Rank == 0 {
		return err
	}
	return fmt.Errorf("rank %d of %d lost rank 0, which serves the store: %w", g.Rank, g.Size, err)
}

// ranks is a list of ranks in words.
func ranks(list []int) string {
	if len(list) == 1 {
		return fmt.Sprintf("rank %d", list[0])
	}
	words := make([]string, len(list))
	for i, rank := range list {
		words[i] = fmt.Sprint(rank)
	}
	last := len(words) - 1
	return "ranks " + strings.Join(words[:last], ", ") + " and " + words[last]
}
