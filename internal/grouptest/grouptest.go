//go:build linux && cgo

// Package grouptest runs a test in several processes of one group on this machine.
//
//	func TestSum(t *testing.T) {
//		if !grouptest.Child() {
//			grouptest.Run(t, 2)
//			return
//		}
//		// here in both processes, torch.GroupFromEnv set up
//	}
package grouptest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latent/torch"
)

const dirVariable = "LATENT_GROUP_TEST_DIR"

// Child says whether this is one of the processes that Run started.
func Child() bool { return os.Getenv(dirVariable) != "" }

// Process is how one of them ended.
type Process struct {
	Code   int    // exit code
	Output string // stdout and stderr
}

// Run starts size processes of this test binary with only the calling test in
// them and waits for all. It skips the test where the build has no gloo.
func Run(t *testing.T, size int) []Process {
	t.Helper()
	if err := torch.Supports("cpu"); err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dir := t.TempDir()
	processes := make([]Process, size)
	var wait sync.WaitGroup
	for rank := range processes {
		wait.Go(func() {
			command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1",
				"-test.timeout=2m")
			command.Env = append(os.Environ(), dirVariable+"="+dir, fmt.Sprintf("RANK=%d", rank),
				fmt.Sprintf("WORLD_SIZE=%d",
					size), "MASTER_ADDR=127.0.0.1", fmt.Sprintf("MASTER_PORT=%d", port),
				fmt.Sprintf("LOCAL_RANK=%d", rank), fmt.Sprintf("LOCAL_WORLD_SIZE=%d", size),
				"GLOO_SOCKET_IFNAME=lo, lo", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
			var out bytes.Buffer
			command.Stdout, command.Stderr = &out, &out
			_ = command.Run()
			processes[rank] = Process{Code: command.ProcessState.ExitCode(), Output: out.String()}
		})
	}
	wait.Wait()
	return processes
}

// Join joins the group that the environment names, once all processes have come
// so far, and closes it with the test. change may alter the options; nil leaves them.
func Join(t *testing.T, change func(*torch.GroupOptions)) *torch.Group {
	t.Helper()
	if err := torch.Init(1); err != nil {
		t.Fatal(err)
	}
	o, err := torch.GroupFromEnv()
	if err != nil || o == nil {
		t.Fatalf("no group in the environment: %v", err)
	}
	if change != nil {
		change(o)
	}
	// However long a busy machine takes to start them, it is not the group's timeout that runs.
	Signal(t, fmt.Sprintf("rank %d", o.Rank))
	for rank := range o.Size {
		Await(fmt.Sprintf("rank %d", rank))
	}
	g, err := torch.JoinGroup(*o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Signal tells the other processes something; Await waits until one has told it.
func Signal(t *testing.T, what string) {
	t.Helper()
	if err := os.WriteFile(signalFile(what), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Await waits for Signal.
func Await(what string) {
	for {
		if _, err := os.Stat(signalFile(what)); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func signalFile(what string) string { return filepath.Join(os.Getenv(dirVariable), what) }
