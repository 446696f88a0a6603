//go:build linux && cgo

package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/run"
	"latent/torch"
)

// member starts one process of a group of two.
func member(t *testing.T, rank, port int, args ...string) (*exec.Cmd, textFile) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(cmd.Environ(), fmt.Sprint("RANK=", rank), "WORLD_SIZE=2",
		"LOCAL_WORLD_SIZE=2",
		fmt.Sprint("LOCAL_RANK=", rank), "MASTER_ADDR=127.0.0.1", fmt.Sprint("MASTER_PORT=", port))
	return startCommand(t, cmd)
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTwoProcessesTrainOneModel(t *testing.T) {
	if err := torch.Supports("cpu"); err != nil { // built without gloo
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	args := small(t, "train", dir, "--epochs", "2", "--device", "cpu")
	port := freePort(t)
	leader, said := member(t, 0, port, args...)
	follower, heard := member(t, 1, port, args...)
	code, other := wait(t, leader), wait(t, follower)
	if code != 0 || other != 0 {
		t.Fatalf("rank 0 ended with %d: %s\nrank 1 with %d: %s", code, said, other, heard)
	}
	rows, err := run.ReadLosses(dir)
	if err != nil || len(rows) != 4 { // each takes 150 of 300 rows, in batches of 100 and 50
		t.Errorf("%d rows of losses (%v), want 4", len(rows), err)
	}
	m, err := run.ReadMetrics(dir)
	if err != nil || m.Epochs != 2 {
		t.Errorf("metrics %+v, %v", m, err)
	}

	if !strings.Contains(string(read(t, filepath.Join(dir, "config.json"))), `"processes": 2`) {
		t.Error("config.json does not record the number of processes")
	}

	// Rank 0's folder is everybody's: its options, its checkpoint. The others may have
	// neither the folder nor the flags.
	port = freePort(t)
	leader, said = member(t, 0, port, "train", "--out", dir, "--resume=auto", "--epochs", "3",
		"--quiet")
	follower, heard = member(t, 1, port, "train", "--out", "none/such", "--resume=auto", "--quiet",
		"--data", args[4])
	if code, other := wait(t, leader), wait(t, follower); code != 0 || other != 0 {
		t.Fatalf("resumed, rank 0 ended with %d: %s\nrank 1 with %d: %s", code, said, other, heard)
	}
	if rows, err := run.ReadLosses(dir); err != nil || len(rows) != 6 {
		t.Errorf("resumed: %d rows of losses (%v), want 6", len(rows), err)
	}

	// Alone it cannot go on, and what rank 0 finds wrong ends all at once.
	refuse(t, 2, []string{"train", "--out", dir, "--resume", "--quiet"}, "trained by 2 processes",
		"one process alone")
	port = freePort(t)
	leader, said = member(t, 0, port, "train", "--out", dir, "--resume", "--quiet", "--lr", "0.5")
	follower, heard = member(t, 1, port, "train", "--out", dir, "--quiet", "--data", args[4])
	if code, other := wait(t, leader), wait(t, follower); code != exitUsage ||
		other != exitFailed ||
		!strings.Contains(said.String(), "lr is 0.001") ||
		!strings.Contains(heard.String(), "rank 0 failed: ") {
		t.Errorf("rank 0 ended with %d: %s\nrank 1 with %d: %s", code, said, other, heard)
	}

	// Neither self-label nor the notebook is for several processes.
	port = freePort(t)
	clustering := small(t, "train", filepath.Join(t.TempDir(), "run"), "--contrastive",
		"self-label", "--device", "cpu")
	leader, said = member(t, 0, port, clustering...)
	follower, _ = member(t, 1, port, clustering...)
	if code, other := wait(t, leader), wait(t, follower); code != exitFailed ||
		other != exitFailed ||
		!strings.Contains(said.String(), "self-label trains in one process") {
		t.Errorf("self-label ended with %d and %d: %s", code, other, said)
	}
	leader, said = member(t, 0, freePort(t), "notebook", "--out",
		filepath.Join(t.TempDir(), "notebook"), "--quiet")
	if code := wait(t, leader); code != exitUsage || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("notebook ended with %d: %s", code, said)
	}

	// A process that dies ends the others with one line.
	long := small(t, "train", filepath.Join(t.TempDir(), "run"), "--epochs", "100000", "--device",
		"cpu")
	port = freePort(t)
	leader, said = member(t, 0, port, long...)
	follower, _ = member(t, 1, port, long...)
	waitFor(t, "the first checkpoint",
		func() bool { return exists(filepath.Join(long[2], "checkpoint.pt")) })
	follower.Process.Kill()
	wait(t, follower)
	if code := wait(t, leader); code != exitFailed ||
		strings.Count(strings.TrimSpace(said.String()), "\n") != 0 ||
		!strings.Contains(said.String(), "rank 0 of 2 lost rank 1") {
		t.Errorf("rank 0 ended with %d: %s", code, said)
	}
}
