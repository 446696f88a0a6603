//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrite(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	for _, want := range []string{"one", "", strings.Repeat("two", 1<<20)} {
		if err := Write(path, text(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Fatalf("read %d bytes, want %d", len(got), len(want))
		}
	}
	if got := names(t, dir); got != "a.txt" {
		t.Errorf("folder holds %q", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o640 {
		t.Errorf("mode %v under umask 027, want -rw-r-----", got)
	}
}

// The path without a folder is written in the current one.
func TestWriteBareName(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("a.txt", text("x")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, "."); got != "a.txt" {
		t.Errorf("folder holds %q", got)
	}
}

// A failed write leaves the old file and nothing beside it.
func TestWriteFailureKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T) {
		t.Helper()
		if got := content(t, path); got != "old" {
			t.Errorf("the old file became %q", got)
		}
		if got := names(t, dir); got != "a.txt" {
			t.Errorf("folder holds %q", got)
		}
	}
	t.Run("callback", func(t *testing.T) {
		cause := errors.New("no such tensor")
		err := Write(path, func(w io.Writer) error {
			_ = text(strings.Repeat("new", 1<<20))(w)
			return cause
		})
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v", err)
		}
		check(t)
	})
	t.Run("panic", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			_ = Write(path, func(io.Writer) error { panic("broken invariant") })
		}()
		check(t)
	})
	t.Run("file size limit", func(t *testing.T) {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Skip(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE,
			&syscall.Rlimit{Cur: 1 << 12, Max: limit.Max}); err != nil {
			t.Skip(err)
		}
		err := Write(path, text(strings.Repeat("new", 1<<20)))
		if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); e != nil {
			t.Fatal(e)
		}
		oneLine(t, err, path, "file too large", "make room")
		check(t)
	})
}

// oneLine checks that err is one line that holds all of parts and does not
// show the temporary name.
func oneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not hold %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "/.") {
		t.Errorf("error %q is not one clear line", err)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	t.Run("missing folder", func(t *testing.T) {
		path := filepath.Join(dir, "no", "a.txt")
		err := Write(path, text("x"))
		oneLine(t, err, path, "no such file or directory", filepath.Join(dir, "no"))
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v is not fs.ErrNotExist", err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		oneLine(t, Write(dir, text("x")), dir, "is a directory")
	})
	t.Run("file as folder", func(t *testing.T) {
		path := filepath.Join(dir, "f")
		if err := Write(path, text("x")); err != nil {
			t.Fatal(err)
		}
		oneLine(t, Write(filepath.Join(path, "a"), text("x")), path, "not a directory")
	})
	t.Run("empty", func(t *testing.T) { oneLine(t, Write("", text("x")), "empty file name") })
	t.Run("read-only folder", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		ro := filepath.Join(dir, "ro")
		if err := os.Mkdir(ro, 0o555); err != nil {
			t.Fatal(err)
		}
		oneLine(t, Write(filepath.Join(ro, "a"), text("x")), "permission denied",
			"must be writable")
	})
	t.Run("folder that takes no files", func(t *testing.T) {
		if _, err := os.Stat("/proc/self"); err != nil {
			t.Skip(err)
		}
		if err := Write("/proc/self/a", text("x")); err == nil {
			t.Error("no error")
		}
	})
	t.Run("full device", func(t *testing.T) {
		if _, err := os.Stat("/dev/full"); err != nil {
			t.Skip(err)
		}
		err := Write("/dev/full", text("x"))
		oneLine(t, err, "/dev/full", "no space left", "make room")
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error %v is not ENOSPC", err)
		}
	})
}

// A pipe is written to, not replaced by a file.
func TestWritePipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	got := make(chan string)
	go func() {
		b, _ := os.ReadFile(path)
		got <- string(b)
	}()
	if err := Write(path, text("through")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "through" {
		t.Errorf("read %q", s)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is gone: %v %v", info, err)
	}
}

// A link stays a link; its target is replaced.
func TestWriteSymlink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	target, link := filepath.Join(other, "target"), filepath.Join(dir, "link")
	if err := Write(target, text("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, target); got != "new" {
		t.Errorf("target holds %q", got)
	}
	if got := names(t, other); got != "target" {
		t.Errorf("folder of the target holds %q", got)
	}
}

// Readers see a whole file while writers replace it.
func TestWriteConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := Write(path, text(strings.Repeat("0", 1<<16))); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for range 10 {
				if err := Write(path, text(strings.Repeat(fmt.Sprint(w), 1<<16))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		s := content(t, path)
		if len(s) != 1<<16 || strings.Count(s, s[:1]) != len(s) {
			t.Fatalf("a torn file of %d bytes", len(s))
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestRemoveStale(t *testing.T) {
	dir := t.TempDir()
	now, old := time.Now(), time.Now().Add(-2*time.Minute)
	keep := map[string]time.Time{
		"model.pt":                        old,
		"model.pt1234567890123456789":     old, // no dot
		".model.pt123456789":              old, // too few digits
		".1234567890123456789":            old, // no name
		".hidden":                         old,
		".fresh.pt1234567890123456789":    now,
		".future.pt1234567890123456789":   now.Add(time.Hour),
		".csv1234567890123456789.backup":  old,
		".locked.pt1234567890123456789":   old,
		".sub/.model.pt12345678901234567": old,
	}
	remove := []string{".model.pt1234567890123456789", ".losses.csv12345678901234567",
		".labels.idx11234567890123456789"}
	put := func(name string, at time.Time) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, at := range keep {
		put(name, at)
	}
	for _, name := range remove {
		put(name, old)
	}
	if err := os.Mkdir(filepath.Join(dir, ".folder1234567890123456789"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, ".locked.pt1234567890123456789"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Skip(err)
	}
	if err := RemoveStale(dir); err != nil {
		t.Fatal(err)
	}
	for name := range keep {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range remove {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, ".folder1234567890123456789")); err != nil {
		t.Error("a folder is gone")
	}
	if err := RemoveStale(filepath.Join(dir, "no")); err == nil {
		t.Error("no error for a missing folder")
	}
}

// What Write leaves when it is killed is what RemoveStale knows: the name of
// a live temporary file is looked at from inside the callback.
func TestTemporaryNameIsRecognised(t *testing.T) {
	dir := t.TempDir()
	short := 0
	for range 100 {
		err := Write(filepath.Join(dir, "model.pt"), func(io.Writer) error {
			for _, n := range strings.Fields(names(t, dir)) {
				if n != "model.pt" && !isTemporary(n) {
					short++
				}
			}
			old := time.Now().Add(-time.Hour)
			for _, n := range strings.Fields(names(t, dir)) {
				if err := os.Chtimes(filepath.Join(dir, n), old, old); err != nil {
					return err
				}
			}
			return RemoveStale(dir) // must spare the file, which is locked
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if short > 5 {
		t.Errorf("%d of 100 temporary names not recognised", short)
	}
}

// Open tells the size of a regular file, follows links to one, and neither waits at
// a pipe nor names the path.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path, link, pipe := filepath.Join(dir, "a"), filepath.Join(dir, "link"),
		filepath.Join(dir, "pipe")
	if err := os.WriteFile(path, []byte("four"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(path, link), syscall.Mkfifo(pipe, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		f, size, err := Open(name)
		if err != nil || size != 4 {
			t.Fatalf("%s: %d bytes, %v", name, size, err)
		}
		f.Close()
	}
	for name, want := range map[string]string{
		pipe: "not a regular file", dir: "not a regular file", path +
			"/b": "not a directory", dir + "/none": "no such file",
	} {
		if _, _, err := Open(name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
