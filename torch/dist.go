//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/dist.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// DefaultGroupTimeout is how long a process waits for the others of its group.
// A process that died is noticed at once, one that hangs after this time; rank 0
// may spend it on what it does alone, such as saving a checkpoint.
const DefaultGroupTimeout = 5 * time.Minute

// GroupOptions say which process of which group this one is.
type GroupOptions struct {
	Rank, Size           int    // this process among all, 0 <= Rank < Size
	LocalRank, LocalSize int    // this process among those on its machine
	Addr                 string // where the processes meet: rank 0's machine
	Port                 int
	Device               string        // where gradients are: "cpu" (gloo) or "cuda:N" (NCCL)
	Timeout              time.Duration // of joining and of every later wait, at least a millisecond

	// Prefix is put before the group's keys in the store that serves Addr:Port
	// already, as torchrun's agent does; empty: rank 0 serves.
	Prefix string
}

// GroupFromEnv reads what torchrun, or anything that starts processes for
// PyTorch's env:// rendezvous, sets: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT,
// and where given LOCAL_RANK and LOCAL_WORLD_SIZE. It returns nil where RANK and
// WORLD_SIZE are unset: this process is alone. Device is "cpu".
func GroupFromEnv() (*GroupOptions, error) {
	if os.Getenv("RANK") == "" && os.Getenv("WORLD_SIZE") == "" {
		return nil, nil
	}
	o := &GroupOptions{Addr: os.Getenv("MASTER_ADDR"), Device: "cpu", Timeout: DefaultGroupTimeout}
	if o.Addr == "" {
		return nil, errors.New("torch: group: RANK or WORLD_SIZE is set but MASTER_ADDR is not: set all of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, or none")
	}
	for _, v := range []struct {
		name, otherwise string
		value           *int
		low, high       int
	}{
		{"WORLD_SIZE", "", &o.Size, 1, 1 << 20},
		{"RANK", "", &o.Rank, 0, 1<<20 - 1},
		{"MASTER_PORT", "", &o.Port, 1, 65535},
		{"LOCAL_RANK", "0", &o.LocalRank, 0, 1<<20 - 1},
		{"LOCAL_WORLD_SIZE", "1", &o.LocalSize, 1, 1 << 20},
	} {
		text := os.Getenv(v.name)
		if text == "" {
			text = v.otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < v.low || n > v.high {
			return nil, fmt.Errorf("torch: group: %s must be an integer from %d to %d, got %q", v.name, v.low, v.high, text)
		}
		*v.value = n
	}
	if strings.EqualFold(os.Getenv("TORCHELASTIC_USE_AGENT_STORE"), "true") {
		if err := o.meetAtAgents(); err != nil {
			return nil, err
		}
	}
	return o, o.Validate()
}

// meetAtAgents makes the processes meet at the store that torchrun's agent serves
// at the port already, each restart afresh, as torch.distributed does. libtorch 1
// does not speak with the store of a torchrun of PyTorch 2, and waits for it
// without end: there rank 0 serves at the next port.
func (o *GroupOptions) meetAtAgents() error {
	info, err := GetInfo()
	if err != nil {
		return err
	}
	if strings.HasPrefix(info.Version, "1.") {
		o.Port++
		return nil
	}
	o.Prefix = "/worker/attempt_" + os.Getenv("TORCHELASTIC_RESTART_COUNT")
	return nil
}

// Validate names the first field that is out of range.
func (o GroupOptions) Validate() error {
	switch {
	case o.Size < 1:
		return fmt.Errorf("torch: group: world size must be at least 1, got %d", o.Size)
	case o.Rank < 0 || o.Rank >= o.Size:
		return fmt.Errorf("torch: group: rank must be from 0 to %d, got %d", o.Size-1, o.Rank)
	case o.Addr == "":
		return errors.New("torch: group: no address to meet at")
	case o.Port < 1 || o.Port > 65535:
		return fmt.Errorf("torch: group: port must be from 1 to 65535, got %d", o.Port)
	case o.Timeout < time.Millisecond:
		return fmt.Errorf("torch: group: timeout must be at least 1ms, got %v", o.Timeout)
	}
	return nil
}

// LocalDevice is the device of this process where all are to compute on device:
// of "cuda", the GPU that LocalRank counts.
func (o GroupOptions) LocalDevice(device string) string {
	if device == "cuda" {
		return fmt.Sprintf("cuda:%d", o.LocalRank)
	}
	return device
}

// Threads is this process's share of the machine's cores, at least 1.
func (o GroupOptions) Threads() int { return max(1, DefaultThreads()/max(1, o.LocalSize)) }

// Group is this process among those that train one model: a c10d process group
// of libtorch, gloo on the CPU, NCCL on CUDA. Its methods are collective: every
// process calls the same ones in the same order. An error, which another
// process's end causes too, leaves the group unusable. Close it.
type Group struct {
	Rank, Size int

	device  string
	timeout time.Duration
	handle  C.LatentGroup
}

// JoinGroup waits until all processes have joined. Processes on one libtorch
// version understand each other.
func JoinGroup(o GroupOptions) (*Group, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	g := &Group{Rank: o.Rank, Size: o.Size, device: o.Device, timeout: o.Timeout}
	if err := Supports(o.Device); err != nil {
		return nil, err
	}
	host, prefix, device := C.CString(o.Addr), C.CString(o.Prefix+"/latent"), C.CString(o.Device)
	defer C.free(unsafe.Pointer(host))
	defer C.free(unsafe.Pointer(prefix))
	defer C.free(unsafe.Pointer(device))
	err := failure("join", C.latent_group_join(host, C.uint16_t(o.Port), C.bool(o.Prefix == "" && o.Rank == 0),
		prefix, C.int32_t(o.Rank), C.int32_t(o.Size), C.int64_t(o.Timeout.Milliseconds()), device, &g.handle))
	if err != nil {
		return nil, fmt.Errorf("torch: rank %d of %d did not find the others at %s:%d within %v: %w",
			o.Rank, o.Size, o.Addr, o.Port, o.Timeout, err)
	}
	return g, nil
}

// Supports says why processes that compute on device could not form a group with
// this build, nil where they could.
func Supports(device string) error {
	if strings.HasPrefix(device, "cuda") {
		if !C.latent_has_nccl() {
			return errors.New("torch: group: this build has no NCCL: build against a CUDA libtorch with NCCL's headers, or use --device cpu")
		}
	} else if !C.latent_has_gloo() {
		return errors.New("torch: group: this build has no gloo: install its headers (Debian: libgloo-dev) and build again")
	}
	return nil
}

// AverageGradients turns the parameters' gradients and values (losses, flags)
// into their means over the processes, in one flat all-reduce. It panics with an
// *Error as operations on tensors do.
func (g *Group) AverageGradients(parameters []Parameter, values []float32) {
	list := make([]C.Tensor, len(parameters))
	for i, p := range parameters {
		list[i] = p.c()
	}
	g.check("all_reduce", C.latent_group_average(g.handle, unsafe.SliceData(list), C.int64_t(len(list)),
		(*C.float)(unsafe.SliceData(values)), C.int64_t(len(values))))
	runtime.KeepAlive(parameters)
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
func (g *Group) Barrier() error { return g.lost(failure("barrier", C.latent_group_barrier(g.handle))) }

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
	return &Error{Op: e.Op, Message: fmt.Sprintf("rank %d of %d lost another process, or waited %v for it: %s",
		g.Rank, g.Size, g.timeout, text)}
}
