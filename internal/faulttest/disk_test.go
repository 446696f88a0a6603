//go:build linux && cgo

package faulttest

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"latent/internal/run"
)

const page = 4096 // what a file on a tmpfs takes a multiple of

// written lists the files below dir in the order in which they were written.
func written(t *testing.T, dir string) (names []string, pages map[string]int64) {
	t.Helper()
	pages = map[string]int64{}
	times := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == ".lock" {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		pages[name], times[name] = (info.Size()+page-1)/page, info.ModTime().UnixNano()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(times[a], times[b]) })
	return names, pages
}

// smallDisk mounts a file system of so many pages, which the test may make larger.
func smallDisk(t *testing.T, pages int64) (dir string, resize func(pages int64)) {
	t.Helper()
	dir = folder(t)
	size := func(pages int64) string { return fmt.Sprintf("size=%d", pages*page) }
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, size(pages)); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, func(pages int64) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, size(pages)); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is full just when a certain file is to be written, each file of a run
// in turn: one line says so, all that was written before stays, and with room the
// same run goes on to the bytes of an unbroken one.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command, epochs string
		unbroken        *unbroken
		every           int // in the quick test; the thorough one fills the disk at each file
	}{{"train", "1", &trained1, 5}, {"notebook", "2", &notebook2, 40}} {
		want, _ := c.unbroken.get(t, c.command, c.epochs)
		names, pages := written(t, want)
		step, told := c.every, 0
		if long() {
			step = 1
		}
		all := int64(0)
		for _, n := range pages {
			all += n
		}
		full := int64(1) // the lock
		for i, name := range names {
			room := full + pages[name] - 1
			full += pages[name]
			if filepath.Base(name) == run.ConfigFile {
				full++ // for the status
			}
			if i%step != step/2 {
				continue
			}
			what := c.command + ", full at " + name
			disk, resize := smallDisk(t, max(room, 1))
			dir := filepath.Join(disk, "run")
			r := call(t, small(t, c.command, dir, "--epochs", c.epochs)...)
			r.fails(t, what, 1, "no space left on device", "make room")
			if stem, _, _ := strings.Cut(filepath.Base(name), "."); c.command == "train" &&
				!strings.Contains(r.stderr, stem) {
				t.Errorf("%s: %q", what, r.stderr) // the notebook draws figures in any order
			}
			whole(t, what, disk)
			if status, err := os.ReadFile(filepath.Join(dir, run.StatusFile)); err == nil {
				// latent view shows it
				if told++; !strings.Contains(string(status), "no space left on device") {
					t.Errorf("%s: the status is %s", what, status)
				}
			}
			resize(3*all + 100)
			if c.command == "train" {
				complete(t, dir, c.epochs)
				sameRun(t, what, dir, want)
			} else {
				must(t, small(t, c.command, dir, "--epochs", c.epochs)...)
				sameNotebook(t, what, dir, want)
			}
		}
		if told == 0 {
			t.Errorf("%s: no status says that the disk is full", c.command)
		}
	}
}

// limit is a call of the program that may write no file larger than n bytes.
func limit(n int64, args ...string) *process {
	return restricted(fileLimit, strconv.FormatInt(n, 10), args...)
}

// A file that may not grow so large, for each size at which another file of a run
// fails first, is as a full disk is. It needs no privileges.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	want, _ := trained3.get(t, "train", "3")
	first, _ := trained1.get(t, "train", "1")
	earlier := hashes(t, first)
	for _, n := range few(1, int64(10_000_000), 1, 100, 10_000) {
		what := fmt.Sprintf("files of %d bytes at most", n)
		dir := copyOf(t, first)
		r := limit(n, "train", "--out", dir, "--resume", "--epochs", "3",
			"--quiet").start(t).end(t)
		r.fails(t, what, 1, "file too large", dir)
		now := hashes(t, dir)
		for _, name := range []string{"checkpoint.pt", "model.pt", "metrics.json", "loss.png",
			"loss.svg"} {
			if now[name] != earlier[name] {
				t.Errorf("%s: %s changed", what, name)
			}
		}
		whole(t, what, dir)
		complete(t, dir, "3")
		sameRun(t, what, dir, want)
	}
	// Interrupted, when the model would fit but the checkpoint does not.
	dir := copyOf(t, first)
	p := limit(10_000_000, endless(dir)...).start(t).begun(t, dir)
	p.Process.Signal(syscall.SIGINT)
	p.end(t).fails(t, "interrupted", 1, "checkpoint.pt", "file too large", "make room")
	if now := hashes(t, dir); now["model.pt"] != earlier["model.pt"] ||
		now["checkpoint.pt"] != earlier["checkpoint.pt"] {
		t.Error("interrupted: model.pt and checkpoint.pt do not belong together any more")
	}

	dir = folder(t)
	args, y := tsneCall(t, dir, "20")
	write(t, y, []byte("an older embedding"))
	limit(1000, args...).start(t).end(t).fails(t, "tsne", 1, "file too large", y, "make room")
	if string(read(t, y)) != "an older embedding" {
		t.Error("tsne: the older embedding is gone")
	}
	limit(1000, "encode", "--run", first, "--data", dataDir(t), "--split", "test", "--output", y,
		"--quiet", "--threads", "1").
		start(t).end(t).fails(t, "encode", 1, "file too large", y, "make room")
	drawing := filepath.Join(dir, "loss.pdf")
	limit(1000, "plot", "loss", "--run", first, "--output", drawing).start(t).end(t).fails(t,
		"plot", 1, "file too large", drawing)
	if string(read(t, y)) != "an older embedding" {
		t.Error("encode: the older file is gone")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}
