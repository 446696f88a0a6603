//go:build linux && cgo

package torch

// #include "native/dist.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
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
	// where gradients are: "cpu" (gloo) or "cuda:N" (NCCL); "": Connect tells
	Device string
	// of joining and of every later wait, at least a millisecond
	Timeout time.Duration

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
		return nil, errors.New("torch: group: RANK or WORLD_SIZE is set but MASTER_ADDR is not: " +
			"set all of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, or none")
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
			return nil, fmt.Errorf("torch: group: %s must be an integer from %d to %d, got %q",
				v.name, v.low, v.high, text)
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

// LocalDevice turns the device that was asked for (auto, cpu, cuda, cuda:N) into the
// one that the whole group computes on, cpu or cuda, and this process's own: of cuda,
// the GPU that LocalRank counts. It says why a device does not work.
func (o GroupOptions) LocalDevice(asked string) (group, local string, err error) {
	return o.localDevice(asked, Device)
}

func (o GroupOptions) localDevice(
	asked string, resolve func(string) (string, error),
) (group, local string, err error) {
	group, err = resolve(asked)
	switch {
	case err != nil:
		return "", "", err
	case group == "cuda":
		local, err = resolve(fmt.Sprintf("cuda:%d", o.LocalRank))
		if err != nil {
			return "", "", fmt.Errorf("rank %d: %w (one process for each GPU)", o.Rank, err)
		}
		return group, local, nil
	case group != "cpu" && o.LocalSize > 1:
		return "", "", fmt.Errorf("%d processes on one machine cannot share %s: "+
			"with device cuda each takes its own GPU", o.LocalSize, group)
	}
	return group, group, nil
}

// Threads is this process's share of the machine's cores, at least 1.
func (o GroupOptions) Threads() int { return max(1, DefaultThreads()/max(1, o.LocalSize)) }

// Supports says why processes that compute on device could not form a group with
// this build, nil where they could.
func Supports(device string) error {
	if strings.HasPrefix(device, "cuda") {
		if !C.latent_has_nccl() {
			return errors.New("torch: group: this build has no NCCL: build against a CUDA " +
				"libtorch with NCCL's headers, or use --device cpu")
		}
	} else if !C.latent_has_gloo() {
		return errors.New("torch: group: this build has no gloo: install its headers (Debian: " +
			"libgloo-dev) and build again")
	}
	return nil
}
