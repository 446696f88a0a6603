// Package run keeps run folders: a lock on the folder, config.json, losses.csv and
// metrics.json. It knows their form, not what the numbers mean; models and
// checkpoints are written by others into the same folder.
//
// Every file is replaced as a whole (see atomicfile), so that a process killed at
// any moment leaves files that read.
package run

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"latent/internal/atomicfile"
)

// The files of a run folder that this package reads and writes.
const (
	ConfigFile  = "config.json"
	LossesFile  = "losses.csv"
	MetricsFile = "metrics.json"
	// AccuracyFile holds the accuracies after some epochs of training.
	AccuracyFile = "accuracy.csv"
	// a progress.Record, while work is going on, or why it failed
	StatusFile  = "status.json"
	PreviewFile = "reconstructions.png" // test images above what the model makes of them
	lockFile    = ".lock"
)

// Folder is a run folder that this process alone may write to until Close.
type Folder struct {
	dir  string
	lock *os.File
}

// Create makes the folder dir and its parents where they are missing, and opens
// it.
func Create(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("run: create %s: %w", dir, reason(err))
	}
	return Open(dir)
}

// Open locks the existing folder dir and removes the temporary files that killed
// processes left in it. While another process has it open, a *LockedError says
// which. The lock ends with the process, however that ends.
func Open(dir string) (*Folder, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run: open %s: there is no such run folder: %w", dir,
			fs.ErrNotExist)
	}
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, fmt.Errorf("run: open %s: %w", dir, reason(err))
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.RemoveStale(dir); err != nil {
		lock.Close()
		return nil, fmt.Errorf("run: open %s: %w", dir, err)
	}
	return &Folder{dir, lock}, nil
}

// LockedError says that another process has a run folder open.
type LockedError struct {
	Dir string
	PID int // the other process, 0 when it is not known
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("run: open %s: %s is using this run folder; wait for it to end or choose "+
		"another folder", e.Dir, who)
}

// acquire returns the lock file of dir, locked. The kernel drops the lock when the
// file is closed or its process dies, so the file itself stays: to remove it
// would let two processes hold locks on two files of this name.
func acquire(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE|atomicfile.NoFollow,
		0o666)
	if err != nil {
		return nil, fmt.Errorf("run: open %s: %w", dir, reason(err))
	}
	switch err := atomicfile.TryLock(f); {
	case err == nil, errors.Is(err, errors.ErrUnsupported):
		// A file system without locks: the lock is a help, not a need.
	case errors.Is(err, atomicfile.ErrLocked):
		defer f.Close()
		return nil, &LockedError{dir, holder(f)}
	default:
		f.Close()
		return nil, fmt.Errorf("run: lock %s: %w", dir, err)
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("run: lock %s: %w", dir, reason(err))
		}
	}
	return f, nil
}

// holder reads the process id in a lock file, 0 when there is none.
func holder(f *os.File) int {
	b, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return max(pid, 0)
}

// Close unlocks the folder. Closing twice does nothing.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	_ = f.lock.Truncate(0)
	err := f.lock.Close()
	f.lock = nil
	if err != nil {
		return fmt.Errorf("run: close %s: %w", f.dir, reason(err))
	}
	return nil
}

// Dir returns the folder's path as it was given.
func (f *Folder) Dir() string { return f.dir }

// Path returns the path of the file name in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// reason drops the path and call from a file error whose caller names them, and
// says what to do about a folder that cannot be written to.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (the folder must be writable)", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w (make room or choose another folder)", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w (a file is in the way)", err)
	}
	return err
}
