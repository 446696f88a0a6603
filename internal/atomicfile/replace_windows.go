package atomicfile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// replace writes a temporary file beside path and renames it. renameio is not for
// Windows. A folder cannot be synced here, and an open file neither renamed nor removed.
func replace(path string, write func(w io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	name := filepath.Join(filepath.Dir(path),
		fmt.Sprintf(".%s%019d", filepath.Base(path), rand.Int64()))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer os.Remove(name) // there no more once it is renamed
	if err = buffered(f, write); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(name, path)
}

// removeUnlocked closes f and removes it. No lock is needed: a file that another
// process has open cannot be removed.
func removeUnlocked(f *os.File) {
	f.Close()
	_ = os.Remove(f.Name())
}
