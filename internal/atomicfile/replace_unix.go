//go:build unix

package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// replace writes a temporary file beside path and renames it.
func replace(path string, write func(w io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir),
		renameio.WithPermissions(mode))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	// The lock tells RemoveStale of other processes that this one lives. A
	// file system without locks is no reason not to write.
	_ = TryLock(f.File)
	if err := buffered(f, write); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir durable. Some file systems cannot sync a
// folder and say EINVAL; the file itself is synced all the same.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil // writable but not readable: nothing to sync through
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) &&
		!errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// removeUnlocked closes f, and removes it unless another process has it locked.
func removeUnlocked(f *os.File) {
	defer f.Close()
	if TryLock(f) == nil {
		_ = os.Remove(f.Name())
	}
}
