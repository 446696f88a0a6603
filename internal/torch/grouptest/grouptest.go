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
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latent/internal/torch"
)

const dirVariable = "LATENT_GROUP_TEST_DIR"

// Child says whether this is one of the processes that Run started.
func Child() bool { return os.Getenv(dirVariable) != "" }

// Process is how one of them ended.
type Process struct {
	Code   int    // exit code
	Output string // stdout and stderr
	dir    string
	rank   int
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
			command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=2m")
			command.Env = append(os.Environ(), dirVariable+"="+dir, fmt.Sprintf("RANK=%d", rank),
				fmt.Sprintf("WORLD_SIZE=%d", size), "MASTER_ADDR=127.0.0.1", fmt.Sprintf("MASTER_PORT=%d", port),
				fmt.Sprintf("LOCAL_RANK=%d", rank), fmt.Sprintf("LOCAL_WORLD_SIZE=%d", size),
				"GLOO_SOCKET_IFNAME=lo", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
			var out bytes.Buffer
			command.Stdout, command.Stderr = &out, &out
			_ = command.Run()
			processes[rank] = Process{Code: command.ProcessState.ExitCode(), Output: out.String(), dir: dir, rank: rank}
		})
	}
	wait.Wait()
	return processes
}

// Check fails the test if a process failed.
func Check(t *testing.T, processes []Process) {
	t.Helper()
	for rank, p := range processes {
		if p.Code != 0 {
			t.Errorf("rank %d: exit code %d\n%s", rank, p.Code, p.Output)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
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
	dir := os.Getenv(dirVariable)
	if err := os.WriteFile(ready(dir, o.Rank), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for rank := range o.Size {
		for !exists(ready(dir, rank)) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	g, err := torch.JoinGroup(*o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Return hands v to the process that called Run, as JSON.
func Return(t *testing.T, rank int, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(result(os.Getenv(dirVariable), rank), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Returned says, in a process that Run started, whether rank has called Return.
func Returned(rank int) bool { return exists(result(os.Getenv(dirVariable), rank)) }

// Result reads what the process gave Return.
func (p Process) Result(t *testing.T, v any) {
	t.Helper()
	b, err := os.ReadFile(result(p.dir, p.rank))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Output)
	}
}

func result(dir string, rank int) string { return filepath.Join(dir, fmt.Sprintf("%d.json", rank)) }
func ready(dir string, rank int) string  { return filepath.Join(dir, fmt.Sprintf("%d.ready", rank)) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
