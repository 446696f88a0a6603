package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What every system must do; the other tests are of Unix.
func TestPortable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ein Ort für alles.csv")
	write := func(text string, fail error) error {
		return Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	fail := errors.New("no more")
	for _, step := range []struct {
		text string
		fail error
		want string
	}{{"first", nil, "first"}, {"second", nil, "second"}, {"third", fail, "second"}} {
		if err := write(step.text, step.fail); !errors.Is(err, step.fail) {
			t.Errorf("%s: error %v, want %v", step.text, err, step.fail)
		}
		if b, err := os.ReadFile(path); string(b) != step.want {
			t.Errorf("after %s: %q, %v", step.text, b, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left", len(entries))
	}

	stale := filepath.Join(dir, ".model.pt1234567890123456789")
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(stale, nil, 0o644), os.Chtimes(stale, old, old),
		RemoveStale(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a stale file is left")
	}
}

// One of two who open a file has the lock, until it closes the file; all may read it.
func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|NoFollow, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := open(), open()
	if err := TryLock(a); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	if _, err := a.WriteString("12"); err != nil {
		t.Error(err)
	}
	if err := TryLock(b); !errors.Is(err, ErrLocked) {
		t.Errorf("the second has it too: %v", err)
	}
	if text, err := io.ReadAll(b); string(text) != "12" {
		t.Errorf("the second reads %q, %v", text, err)
	}
	a.Close()
	if err := TryLock(b); err != nil {
		t.Errorf("after the first: %v", err)
	}
}
