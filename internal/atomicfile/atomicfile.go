// Package atomicfile is the one place that writes files: a reader of a path
// sees the file that was there before or the whole new one, never a part,
// whatever kills the process, the disk or the machine in between.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// mode of a new file, before the umask takes bits away.
	mode = 0o644

	// minDigits is how many digits the name of a temporary file ends in at
	// least. renameio appends a 63-bit random number to "." + name; one in a
	// thousand is shorter, and such a file is left where it is.
	minDigits = 17

	// staleAge is how long a temporary file must have lain unchanged before
	// RemoveStale takes it for abandoned.
	staleAge = time.Minute
)

// Write replaces the file path by what the function write produces. The bytes
// go, buffered, to a temporary file in the same folder, which is synced and
// then renamed to path, and the folder is synced. If anything fails, path is
// as it was and the temporary file is gone. New files have mode 0644 less the
// umask. A symbolic link is followed: its target is replaced. What cannot be
// replaced (a device or pipe, such as /dev/stdout) is written to directly.
//
// The error names path, says what was wrong and wraps the cause, so that
// errors.Is finds syscall.ENOSPC, fs.ErrPermission or the error of write.
func Write(path string, write func(w io.Writer) error) error {
	if path == "" {
		return errors.New("atomicfile: write: empty file name")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return failure(path, syscall.EISDIR)
	case err == nil && !info.Mode().IsRegular():
		err = writeThrough(path, write)
	default:
		err = replace(path, write)
	}
	if err != nil {
		return failure(path, err)
	}
	return nil
}

// Open opens a regular file for reading and returns its size in bytes. Anything else
// is refused before it is opened: opening a pipe would wait for its writer. The
// error leaves out the path, which the caller names.
func Open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, cause(err)
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, 0, cause(err)
	}
	return f, info.Size(), nil
}

// cause takes the path out of a file error.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// writeThrough writes to a device or pipe, where nothing can be renamed.
func writeThrough(path string, write func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := buffered(f, write); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func buffered(f io.Writer, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(f, 1<<16)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// failure makes one line of err: the path the caller gave instead of the
// temporary one, and a hint where there is one.
func failure(path string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr) && isTemporary(pathErr.Path):
		err = pathErr.Err
	case errors.As(err, &linkErr) && isTemporary(linkErr.Old):
		err = linkErr.Err
	}
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err,
		syscall.EFBIG):
		hint = " (make room or choose another folder)"
	case errors.Is(err, fs.ErrNotExist):
		hint = fmt.Sprintf(" (does the folder %s exist?)", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = fmt.Sprintf(" (the folder %s must be writable)", filepath.Dir(path))
	}
	return fmt.Errorf("atomicfile: write %s: %w%s", path, err, hint)
}

// RemoveStale removes the temporary files that killed processes left in dir
// and nothing else: regular files whose name is a dot, a name and at least 17
// digits, unchanged for a minute, and not locked by a process that is still
// writing them. It does not look into folders below dir. A file that cannot
// be removed is left; only an unreadable dir is an error.
func RemoveStale(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("atomicfile: remove stale files: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isTemporary(e.Name()) {
			continue
		}
		if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < staleAge {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		removeUnlocked(f)
	}
	return nil
}

// isTemporary reports whether path has the name of a temporary file of Write.
func isTemporary(path string) bool {
	name, ok := strings.CutPrefix(filepath.Base(path), ".")
	if !ok {
		return false
	}
	rest := strings.TrimRight(name, "0123456789")
	return len(name)-len(rest) >= minDigits && rest != ""
}
