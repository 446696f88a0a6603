//go:build unix

package atomicfile

import (
	"io"
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
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithPermissions(mode))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	// The lock tells RemoveStale of other processes that this one lives. A
	// file system without locks is no reason not to write.
	_ = tryLock(f.File)
	if err := buffered(f, write); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(dir)
}

// tryLock locks f for this process, if no other has.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
