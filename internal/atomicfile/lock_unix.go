//go:build unix

package atomicfile

import (
	"os"
	"syscall"
)

// NoFollow is the flag with which os.OpenFile refuses a symbolic link.
const NoFollow = syscall.O_NOFOLLOW

// TryLock locks f until it is closed or this process ends, however it ends. While another
// process has it locked, the error is ErrLocked; a file system without locks gives
// errors.ErrUnsupported.
func TryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return ErrLocked
		case syscall.ENOLCK:
			return syscall.ENOTSUP // which errors.Is takes for errors.ErrUnsupported
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}
