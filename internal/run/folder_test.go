package run

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holdEnv makes the test binary open the run folder that it names, say so, and
// hold it until it is killed or its standard input ends.
const holdEnv = "RUN_TEST_HOLD"

func TestMain(m *testing.M) {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	f, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := f.Close(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// hold starts a process that opens dir, and returns it with its first line.
func hold(t *testing.T, dir string) (cmd *exec.Cmd, line string, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line), func() { in.Close() }
}

func TestTwoProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "run")
	f, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Dir() != dir || f.Path("x") != filepath.Join(dir, "x") {
		t.Errorf("paths %s, %s", f.Dir(), f.Path("x"))
	}
	want := fmt.Sprintf("run: open %s: process %d is using this run folder; wait for it to end "+
		"or choose another folder", dir, os.Getpid())
	if _, line, _ := hold(t, dir); line != want {
		t.Errorf("second process: %q, want %q", line, want)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}

	// The other way round: the other process holds the folder, then is killed.
	other, line, _ := hold(t, dir)
	if line != "open" {
		t.Fatal(line)
	}
	var locked *LockedError
	if _, err := Open(dir); !errors.As(err, &locked) || locked.PID != other.Process.Pid ||
		locked.Dir != dir {
		t.Errorf("held by another process: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	if f, err = Open(dir); err != nil {
		t.Fatalf("after the other process was killed: %v", err)
	}
	f.Close()

	// And ends in peace.
	other, line, end := hold(t, dir)
	if line != "open" {
		t.Fatal(line)
	}
	end()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if f, err = Create(dir); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// TestLockFile opens folders with a lock file that holds anything.
func TestLockFile(t *testing.T) {
	for _, content := range []string{"", "garbage", "-5", strings.Repeat("9", 1000),
		fmt.Sprint(os.Getpid())} {
		dir := t.TempDir()
		path := filepath.Join(dir, lockFile)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := Open(dir)
		if err != nil {
			t.Errorf("%.20q: %v", content, err)
			continue
		}
		if got, _ := os.ReadFile(path); string(got) != fmt.Sprintln(os.Getpid()) {
			t.Errorf("lock file holds %q", got)
		}
		// The holder's id may be lost.
		if err := os.WriteFile(path, []byte("?"), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil ||
			!strings.Contains(err.Error(), "another process is using") {
			t.Errorf("%v", err)
		}
		f.Close()
	}
}

func TestOpenRemovesStale(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, ".losses.csv1234567890123456789")
	if err := os.WriteFile(stale, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file of a killed process is still there (%v)", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	if _, err := Open(missing); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), missing+": there is no such run folder") {
		t.Errorf("missing: %v", err)
	}
	for name, open := range map[string]func(string) (*Folder, error){"Open": Open,
		"Create": Create} {
		if _, err := open(file); err == nil ||
			!strings.Contains(err.Error(), file+": not a directory (a file is in the way)") {
			t.Errorf("%s of a file: %v", name, err)
		}
	}
	if _, err := Create(filepath.Join(file, "run")); err == nil ||
		!strings.Contains(err.Error(), "a file is in the way") {
		t.Errorf("below a file: %v", err)
	}
	// A lock file that leads elsewhere is not followed.
	if err := os.Symlink(file, filepath.Join(dir, lockFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("lock file is a link: %v", err)
	}
}

func TestUnwritable(t *testing.T) {
	// Even root may not write to this one.
	dir := "/proc/self/fd"
	if _, err := os.Stat(dir); err == nil {
		if _, err := Open(dir); err == nil ||
			!strings.HasPrefix(err.Error(), "run: open "+dir+": ") {
			t.Errorf("%v", err)
		}
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write to every other folder")
	}
	dir = t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, fs.ErrPermission) ||
		!strings.Contains(err.Error(), dir+": permission denied (the folder must be writable)") {
		t.Errorf("%v", err)
	}
	if _, err := Create(filepath.Join(dir, "run")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

// open returns an open folder for a test.
func open(t testing.TB) *Folder {
	t.Helper()
	f, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
