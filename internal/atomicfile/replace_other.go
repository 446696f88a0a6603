//go:build !unix

package atomicfile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// replace writes a temporary file beside path and renames it. Folders cannot be synced here.
func replace(path string, write func(w io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s%019d", filepath.Base(path), rand.Int64()))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer os.Remove(name) // there no more once it is renamed
	if err := buffered(f, write); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(name, path)
}

// tryLock does nothing: without locks, age alone tells an abandoned file.
func tryLock(*os.File) error { return nil }
