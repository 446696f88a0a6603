//go:build linux && cgo

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"latent/internal/run"
)

// endless is a training run that goes on until it is stopped.
func endless(t *testing.T, dir string) []string {
	return small(t, "train", dir, "--epochs", "1000000")
}

// epochsDone is the number of epochs that a run folder's losses have begun.
func epochsDone(t *testing.T, dir string) int {
	t.Helper()
	rows, err := run.ReadLosses(dir)
	if err != nil || len(rows) == 0 {
		t.Fatalf("losses of %s: %d rows, %v", dir, len(rows), err)
	}
	return rows[len(rows)-1].Epoch
}

// sameAsUnbroken resumes a stopped run for one more epoch and compares it with a
// run that was never stopped.
func sameAsUnbroken(t *testing.T, dir string) {
	t.Helper()
	epochs := epochsDone(t, dir) + 1
	// Fewer epochs than the run was begun for are fine, as long as they are not done.
	must(t, "train", "--out", dir, "--resume", "--quiet", "--epochs", strconv.Itoa(epochs))
	unbroken := filepath.Join(t.TempDir(), "unbroken")
	must(t, small(t, "train", unbroken, "--epochs", strconv.Itoa(epochs))...)
	sameFiles(t, dir, unbroken, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt",
		"config.json")
}

// A signal saves, says how to go on, and the resumed run ends with the bytes of
// an unbroken one.
func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "my run")
			cmd, stderr := start(t, endless(t, dir)...)
			waitFor(t, "the run's config",
				func() bool { return exists(filepath.Join(dir, "config.json")) })
			cmd.Process.Signal(s)
			if code := wait(t, cmd); code != 130 {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			text := stderr.String()
			if strings.Contains(text, "before the first step") {
				t.Skip("the signal came before the first step")
			}
			if !strings.Contains(text, "latent train --out '"+dir+"' --resume") ||
				strings.Count(text, "\n") != 1 {
				t.Errorf("stderr %q", text)
			}
			sameAsUnbroken(t, dir)
		})
	}
}

// goOn trains two epochs in dir and starts a process that goes on without end.
func goOn(t *testing.T, dir string) (*exec.Cmd, textFile) {
	t.Helper()
	must(t, small(t, "train", dir, "--epochs", "2")...)
	cmd, stderr := start(t, "train", "--out", dir, "--resume", "--epochs", "1000000", "--quiet")
	waitFor(t, "training to begin", func() bool {
		return strings.Contains(string(read(t, filepath.Join(dir, "config.json"))), "1000000")
	})
	return cmd, stderr
}

// A second signal, and a kill, leave what was saved before.
func TestKilled(t *testing.T) {
	for _, twice := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "run")
		cmd, stderr := goOn(t, dir)
		time.Sleep(100 * time.Millisecond)
		if twice {
			cmd.Process.Signal(os.Interrupt)
			cmd.Process.Signal(syscall.SIGTERM)
		} else {
			cmd.Process.Kill()
		}
		if code := wait(t, cmd); code != -1 && code != 130 {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		sameAsUnbroken(t, dir)
	}
}

// Of two processes on one folder the second is refused and harms nothing.
func TestTwoProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd, _ := goOn(t, dir)
	refuse(t, 1, []string{"train", "--out", dir, "--resume", "--quiet"},
		strconv.Itoa(cmd.Process.Pid), "is using this run folder")
	refuse(t, 1, small(t, "train", dir), "already holds a run")
	cmd.Process.Kill()
	wait(t, cmd)
	sameAsUnbroken(t, dir) // the dead process's lock is no hindrance
}

// A reader that has gone is no crash: without stdout a command ends quietly,
// without stderr it goes on.
func TestClosedPipes(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	args := small(t, "train", dir, "--epochs", "2")
	args = args[:len(args)-3] // not quiet
	args = append(args, "--epochs", "2")
	for _, closed := range []int{1, 2} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		files := []*os.File{nil, nil, nil}
		files[closed] = w
		p, err := os.StartProcess(path, append([]string{path}, args...),
			&os.ProcAttr{Files: files})
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		state, err := p.Wait()
		if err != nil || state.ExitCode() != 0 {
			t.Errorf("without file %d: %v, %v", closed, state, err)
		}
		if len(read(t, filepath.Join(dir, "model.pt"))) == 0 {
			t.Error("no model")
		}
		os.RemoveAll(dir)
	}
}

// A full disk is one line, and what was there before stays.
func TestFullDisk(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	must(t, small(t, "train", dir, "--epochs", "1")...)
	kept := snapshotFiles(t, dir, "model.pt", "checkpoint.pt", "metrics.json")
	// ulimit -f counts blocks of 1024 bytes: losses.csv fits, model.pt does not.
	out := command([]string{path, "train", "--out", dir, "--resume", "--epochs", "2", "--quiet"})
	cmd, stderr := startCommand(t, exec.Command("sh", "-c", "ulimit -f 1000; exec "+out))
	if code := wait(t, cmd); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if text := stderr.String(); strings.Count(text, "\n") != 1 ||
		!strings.Contains(text, "checkpoint.pt") || !strings.Contains(text, "make room") {
		t.Errorf("stderr %q", text)
	}
	if now := snapshotFiles(t, dir, "model.pt", "checkpoint.pt", "metrics.json"); now != kept {
		t.Error("earlier results changed")
	}
	must(t, "train", "--out", dir, "--resume", "--quiet")
	if n := epochsDone(t, dir); n != 2 {
		t.Errorf("%d epochs after going on", n)
	}
}
