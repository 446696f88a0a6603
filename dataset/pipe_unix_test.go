//go:build unix

package dataset

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe is refused, not waited for.
func TestReadIDXPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.idx1")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := ReadIDX(path); err == nil ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error %v", err)
	}
}
