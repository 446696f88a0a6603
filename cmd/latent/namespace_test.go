//go:build linux && cgo

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latent/torch"
)

// machines makes two network namespaces that see each other, as two machines do, and
// returns their names; the first has the address 10.213.7.1, each a device called eth7.
func machines(t *testing.T) [2]string {
	t.Helper()
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1 starts four processes many times")
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and the program ip")
	}
	if err := torch.Supports("cpu"); err != nil {
		t.Skip(err)
	}
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	var names [2]string
	for i := range names {
		name := fmt.Sprintf("latent-%d-%d", os.Getpid(), i)
		ip("netns", "add", name)
		t.Cleanup(func() { exec.Command("ip", "netns", "delete", name).Run() })
		names[i] = name
	}
	ip("link", "add", "eth7", "netns", names[0], "type", "veth", "peer", "name", "eth7", "netns",
		names[1])
	for i, name := range names {
		ip("-n", name, "address", "add", fmt.Sprintf("10.213.7.%d/24", i+1), "dev", "eth7")
		ip("-n", name, "link", "set", "eth7", "up")
		ip("-n", name, "link", "set", "lo", "up")
	}
	return names
}

// remote starts rank of size processes, the first half of them on the first machine.
func remote(t *testing.T, machines [2]string, rank, size int, args ...string) (*exec.Cmd,
	textFile) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	local := max(1, size/2)
	cmd := exec.Command("ip",
		append([]string{"netns", "exec", machines[rank/local], path}, args...)...)
	cmd.Env = append(cmd.Environ(), fmt.Sprint("RANK=", rank), fmt.Sprint("WORLD_SIZE=", size),
		fmt.Sprint("LOCAL_WORLD_SIZE=", local), fmt.Sprint("LOCAL_RANK=", rank%local),
		"MASTER_ADDR=10.213.7.1", "MASTER_PORT=29517", "GLOO_SOCKET_IFNAME=eth7")
	return startCommand(t, cmd)
}

// Four processes on two machines with folders of their own: whoever is killed, the
// others end and say who is missing; started again they go on, to the model of an
// unbroken run; another number of them is refused.
func TestGroupOnTwoMachines(t *testing.T) {
	m := machines(t)
	const size = 4
	folders := [2]string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
	all := func(size int, out [2]string, epochs string) (cmds []*exec.Cmd, said []textFile) {
		for rank := range size {
			args := small(t, "train", out[rank/max(1, size/2)], "--device", "cpu", "--resume=auto",
				"--epochs", epochs)
			cmd, text := remote(t, m, rank, size, args...)
			cmds, said = append(cmds, cmd), append(said, text)
		}
		return cmds, said
	}
	for victim := range size {
		before := fileTime(filepath.Join(folders[0], "checkpoint.pt"))
		cmds, said := all(size, folders, "100000")
		waitFor(t, "a new checkpoint",
			func() bool { return fileTime(filepath.Join(folders[0], "checkpoint.pt")) != before })
		cmds[victim].Process.Kill()
		for rank, cmd := range cmds {
			code := wait(t, cmd)
			if rank == victim {
				continue
			}
			text := strings.TrimSpace(said[rank].String())
			want := fmt.Sprintf("rank %d of %d lost rank %d", rank, size, victim)
			if code != exitFailed || !strings.Contains(text, want) ||
				strings.Contains(text, "\n") {
				t.Errorf("rank %d was killed: rank %d ended with %d: %s", victim, rank, code, text)
			}
		}
		if exists(folders[1]) {
			t.Error("a process that does not lead made a folder")
		}
	}
	epochs := fmt.Sprint(epochsDone(t, folders[0]) + 2)
	unbroken := [2]string{filepath.Join(t.TempDir(), "whole"), folders[1]}
	for _, out := range [][2]string{folders, unbroken} {
		cmds, said := all(size, out, epochs)
		for rank, cmd := range cmds {
			if code := wait(t, cmd); code != 0 {
				t.Fatalf("to the end: rank %d ended with %d: %s", rank, code, said[rank])
			}
		}
	}
	sameFiles(t, folders[0], unbroken[0], "losses.csv", "model.pt", "checkpoint.pt")

	cmds, said := all(2, folders, epochs)
	for rank, cmd := range cmds {
		code, want := wait(t, cmd), []string{"trained by 4 processes", "rank 0 failed: "}[rank]
		if code != []int{exitUsage, exitFailed}[rank] ||
			!strings.Contains(said[rank].String(), want) {
			t.Errorf("two in place of four: rank %d ended with %d: %s", rank, code, said[rank])
		}
	}
}

// torchrun starts all again when one dies, and --resume=auto goes on.
func TestTorchrunRestarts(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1 starts torchrun")
	}
	torchrun, err := exec.LookPath("torchrun")
	if err != nil {
		t.Skip("no torchrun")
	}
	// Debian's of PyTorch 1.13 does not on Python 3.11.
	if out, err := exec.Command(torchrun, "--no_python", "--nproc_per_node", "2",
		"true").CombinedOutput(); err != nil {
		t.Skipf("%s starts nothing: %v: ...%s", torchrun, err, out[max(0, len(out)-100):])
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	args := append([]string{"--no_python", "--nproc_per_node", "2", "--max_restarts", "2",
		"--master_port", fmt.Sprint(freePort(t)), path}, small(t, "train", dir, "--device", "cpu",
		"--resume=auto", "--epochs", "1000000")...)
	cmd, said := startCommand(t, exec.Command(torchrun, args...))
	checkpoint := filepath.Join(dir, "checkpoint.pt")
	waitFor(t, "the first checkpoint", func() bool { return exists(checkpoint) })
	before := epochsDone(t, dir)
	leader := strings.TrimSpace(string(read(t, filepath.Join(dir, ".lock"))))
	killed := time.Now().UnixNano()
	if out, err := exec.Command("kill", "-9", leader).CombinedOutput(); err != nil {
		t.Fatalf("kill %s: %v: %s", leader, err, out)
	}
	waitFor(t, "a checkpoint of the group that was started again", func() bool {
		again := strings.TrimSpace(string(read(t, filepath.Join(dir, ".lock"))))
		return again != leader && fileTime(checkpoint) > killed
	})
	cmd.Process.Signal(syscall.SIGTERM)
	wait(t, cmd)
	if after := epochsDone(t, dir); after <= before {
		t.Errorf("%d epochs were done, then %d: %s", before, after, said)
	}
}

// fileTime is when a file was written, 0 where there is none.
func fileTime(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}
