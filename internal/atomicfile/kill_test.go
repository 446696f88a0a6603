//go:build unix

package atomicfile

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// childEnv names the file that a child process of TestKill writes without end.
const childEnv = "ATOMICFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		_ = Write(path, func(w io.Writer) error {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
				_, _ = os.Stdout.WriteString("x")
				time.Sleep(time.Millisecond)
			}
		})
		return
	}
	os.Exit(m.Run())
}

// A process killed in the middle of Write leaves the old file, and a temporary
// one that RemoveStale spares as long as the process lives.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.pt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = child.Process.Kill() }()
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("temporary files %q, error %v", left, err)
	}
	if !isTemporary(left[0]) {
		t.Skip("a short random number, one in a thousand")
	}
	age := func() {
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(left[0], old, old); err != nil {
			t.Fatal(err)
		}
		if err := RemoveStale(dir); err != nil {
			t.Fatal(err)
		}
	}
	age()
	if _, err := os.Stat(left[0]); err != nil {
		t.Fatalf("the file of a live process is gone: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	age()
	if got := names(t, dir); got != "model.pt" {
		t.Errorf("folder holds %q", got)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("the old file became %q", got[:min(len(got), 20)])
	}
}
