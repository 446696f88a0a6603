//go:build unix

package matrix

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe is refused, not waited for.
func TestReadPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.npy")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error %v", err)
	}
}
