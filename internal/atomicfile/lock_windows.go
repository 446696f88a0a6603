package atomicfile

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// NoFollow is the flag with which os.OpenFile refuses a symbolic link; Windows has none.
const NoFollow = 0

// TryLock locks f until it is closed or this process ends, however it ends. While another
// process has it locked, the error is ErrLocked; a file system without locks gives
// errors.ErrUnsupported.
//
// The lock is on a byte far beyond the end, since nobody else can read what is locked.
func TryLock(f *os.File) error {
	at := &windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return os.NewSyscallError("LockFileEx", err)
}
