// Package programtest builds the program for tests that run it as a process of its
// own.
package programtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"latent/internal/atomicfile"
)

// Build puts the program into the folder dir and returns its path. It is linked once
// for all tests, into build/test of the checkout, where the go command sees that
// nothing has changed.
func Build(dir string) (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	shared := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), "build", "test")
	if err := os.MkdirAll(shared, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(shared, "lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and unlock
	for errors.Is(atomicfile.TryLock(lock), atomicfile.ErrLocked) {
		time.Sleep(20 * time.Millisecond)
	}
	name := "latent"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	built, path := filepath.Join(shared, name), filepath.Join(dir, name)
	build := exec.Command("go", "build", "-buildvcs=false", "-o", built, "latent/cmd/latent")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	program, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, program, 0o755)
}

// TakeSignals takes the signals that end a program where this process ignores them,
// as under nohup, which the program under test would inherit.
func TakeSignals() {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}
