//go:build linux && cgo

package faulttest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ordinary is a call of the program as an ordinary user makes it. Root, who may
// write everywhere, gives that up but stays the owner of all files: another user
// could not run a program whose checkout or libtorch lies in root's own folders.
func ordinary(args ...string) *process {
	if os.Geteuid() != 0 {
		return command(args...)
	}
	return restricted(unprivileged, "1", args...)
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A folder that cannot be written to: one line, and what is there can still be
// used.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	dir := copyOf(t, trained)
	before := hashes(t, dir)
	y := filepath.Join(folder(t), "z.npy")
	user := func(args ...string) result {
		t.Helper()
		return ordinary(args...).start(t).end(t)
	}
	chmod(t, dir, 0o555)
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	user("train", "--out", dir, "--resume", "--epochs", "2", "--quiet").fails(t, "train --resume",
		1, dir, "permission denied", "must be writable")
	user("plot", "loss", "--run", dir, "--output", filepath.Join(dir, "l.png")).fails(t, "plot", 1,
		"l.png", "permission denied", "must be writable")
	if long() {
		user(small(t, "train", filepath.Join(dir, "new"))...).fails(t, "train", 1, dir,
			"permission denied", "must be writable")
		user(small(t, "notebook", filepath.Join(dir, "new"))...).fails(t, "notebook", 1, dir,
			"permission denied", "must be writable")
		user("data", "--data", filepath.Join(dir, "data"), "--quiet").fails(t, "data", 1, dir,
			"permission denied")
	}
	for _, args := range few(1, [][]string{
		{"classify", "--run", dir, "--threads", "1", "--quiet"},
		{"encode", "--run", dir, "--split", "test", "--output", y, "--threads", "1", "--quiet"},
		{"plot", "loss", "--run", dir, "--output", strings.Replace(y, ".npy", ".svg", 1)},
	}...) {
		if r := user(args...); r.code != 0 {
			t.Errorf("%s of a read-only run: exit code %d, %s", args[0], r.code, r.stderr)
		}
	}
	unchanged(t, "read-only", dir, before)
	if left, _ := filepath.Glob(filepath.Join(dir, ".*[0-9]")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}

	for _, name := range few(1, "config.json", "model.pt", "losses.csv") {
		path := filepath.Join(dir, name)
		chmod(t, path, 0)
		args := []string{"classify", "--run", dir, "--threads", "1", "--quiet"}
		if name == "losses.csv" {
			args = []string{"plot", "loss", "--run", dir, "--output",
				strings.Replace(y, ".npy", ".svg", 1)}
		}
		user(args...).fails(t, "unreadable "+name, 1, path, "permission denied")
		chmod(t, path, 0o644)
	}
}

// endless are the arguments of a run that goes on until it is stopped.
func endless(dir string) []string {
	return []string{"train", "--out", dir, "--resume", "--epochs", "1000000", "--quiet"}
}

// begun waits until an endless run trains.
func (p *process) begun(t *testing.T, dir string) *process {
	t.Helper()
	for range 12000 {
		if strings.Contains(string(read(t, filepath.Join(dir, "config.json"))), "1000000") {
			return p
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("training did not begin")
	return nil
}

// A folder that becomes read-only, or goes away, while the program works in it.
func TestFolderLost(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	goOn := func(dir string) *process {
		return ordinary(endless(dir)...).start(t).begun(t, dir)
	}
	dir := copyOf(t, trained)
	before := hashes(t, dir)
	p := goOn(dir)
	chmod(t, dir, 0o555)
	p.Process.Signal(syscall.SIGINT)
	p.end(t).fails(t, "read-only while running", 1, "losses.csv", "permission denied",
		"must be writable")
	before["config.json"] = hashes(t, dir)["config.json"] // of the run that goes on
	unchanged(t, "read-only while running", dir, before)
	chmod(t, dir, 0o755)
	complete(t, dir, "3")
	want, _ := trained3.get(t, "train", "3")
	sameRun(t, "read-only while running", dir, want)

	if long() {
		dir = copyOf(t, trained)
		p = goOn(dir)
		if err := os.Rename(dir, dir+"-moved"); err != nil {
			t.Fatal(err)
		}
		p.Process.Signal(syscall.SIGINT)
		p.end(t).fails(t, "moved while running", 1, dir, "no such file or directory")
		complete(t, dir+"-moved", "3")
		sameRun(t, "moved while running", dir+"-moved", want)
	}

	dir = copyOf(t, trained)
	p = goOn(dir)
	for os.RemoveAll(dir) != nil { // a file came into it meanwhile
	}
	p.Process.Signal(syscall.SIGINT)
	p.end(t).fails(t, "removed while running", 1, dir, "no such file or directory")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a removed folder is back")
	}

	nb := filepath.Join(folder(t), "run")
	p = command(small(t, "notebook", nb, "--epochs", "100000")...).start(t)
	p.waitFor(t, filepath.Join(nb, "reconstruction", "config.json"))
	os.RemoveAll(nb)
	p.Process.Signal(syscall.SIGTERM)
	p.end(t).fails(t, "notebook removed while running", 1, nb, "no such file or directory")

	args, y := tsneCall(t, folder(t), "100000000")
	p = command(args...).start(t)
	time.Sleep(time.Second)
	os.RemoveAll(filepath.Dir(y))
	p.Process.Signal(syscall.SIGINT)
	switch r := p.end(t); r.code {
	case -1: // before the program could tell
	case 130:
		// before the first iteration
		r.fails(t, "output folder removed", 130, "nothing is written")
	default:
		r.fails(t, "output folder removed", 1, y, "does the folder")
	}
	refused(t, 1, []string{"classify", "--run", dir + "-none", "--quiet"}, dir+"-none",
		"train a model first")
	refused(t, 1, []string{"train", "--out", dir + "-none", "--resume", "--quiet"}, dir+"-none",
		"nothing to resume")
	refused(t, 1, []string{"train", "--out", program, "--quiet"}, program, "a file is in the way")
}

// Two processes on one folder: one works, the other says so and harms nothing. The
// lock of a process that is dead does not matter.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	want, _ := trained3.get(t, "train", "3")
	for _, command2 := range few(1, "train", "notebook") {
		dir := filepath.Join(folder(t), "run")
		args := small(t, command2, dir, "--epochs", "3")
		pair := []*process{command(args...).start(t), command(args...).start(t)}
		ok := 0
		for _, p := range pair {
			if r := p.end(t); r.code == 0 {
				ok++
			} else if strings.Contains(r.stderr, "already holds a run") {
				r.fails(t, command2, 1, dir, "--resume")
			} else {
				r.fails(t, command2, 1, dir, "is using this run folder", "wait for it")
			}
		}
		if ok == 0 || command2 == "train" && ok != 1 {
			t.Errorf("%s: %d of two processes on one folder succeeded", command2, ok)
		}
		run := dir
		if command2 == "notebook" {
			run = filepath.Join(dir, "reconstruction")
		}
		sameRun(t, command2, run, want)
	}
	dir := copyOf(t, want)
	for _, pid := range few(1, "1\n", "999999999\n", "no number") {
		write(t, filepath.Join(dir, ".lock"), []byte(pid))
		if r := call(t, "train", "--out", dir, "--resume", "--quiet"); r.code != 0 {
			t.Errorf("a stale lock %q: %s", pid, r.stderr)
		}
	}
	sameRun(t, "stale lock", dir, want)
}

// A clock that went backwards leaves files of the future. No decision hangs on the
// time of a file but whether a temporary one is old enough to remove: one from the
// future never is. (The program asks the kernel for the time, not the C library,
// so that libfaketime would not change it.)
func TestClockGoesBackwards(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	want, _ := trained3.get(t, "train", "3")
	nb, _ := notebook2.get(t, "notebook", "2")
	for _, at := range few(1, time.Now().Add(1000*time.Hour), time.Unix(1, 0)) {
		dir := copyOf(t, trained)
		stale := filepath.Join(dir, ".model.pt1234567890123456789")
		write(t, stale, []byte("half a model"))
		setTimes(t, dir, at)
		must(t, "train", "--out", dir, "--resume", "--epochs", "3", "--quiet")
		sameRun(t, "files of "+at.String(), dir, want)
		if _, err := os.Stat(stale); (err == nil) != at.After(time.Now()) {
			t.Errorf("temporary file of %v: %v", at, err)
		}

		book := copyOf(t, nb)
		setTimes(t, book, at)
		before := hashes(t, book)
		must(t, small(t, "notebook", book, "--epochs", "2")...)
		unchanged(t, "finished notebook of "+at.String(), book, before)
	}
}

func setTimes(t *testing.T, dir string, at time.Time) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}
