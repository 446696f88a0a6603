//go:build linux && cgo

package faulttest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"latent/internal/datasettest"
	"latent/internal/programtest"
)

// Environment variables that make this test program become the program under test:
const (
	// with these bytes as the largest file that it may write
	fileLimit    = "FAULTTEST_FILE_LIMIT"
	unprivileged = "FAULTTEST_UNPRIVILEGED" // without root's right to ignore permissions
)

var (
	scratch string // removed when all tests are done; open to every user
	program string // the built binary
)

func TestMain(m *testing.M) {
	if os.Getenv(fileLimit) != "" || os.Getenv(unprivileged) != "" {
		become()
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "faulttest-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	if program, err = programtest.Build(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Chmod(scratch, 0o755); err != nil {
		panic(err)
	}
	programtest.TakeSignals()
	return m.Run()
}

// become replaces this process by the program, restricted as the environment says.
func become() {
	var err error
	if limit := os.Getenv(fileLimit); limit != "" {
		var n uint64
		if n, err = strconv.ParseUint(limit, 10, 64); err == nil {
			err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
		}
	}
	if os.Getenv(unprivileged) != "" {
		runtime.LockOSThread() // the capabilities are this thread's, which becomes the program
		for _, c := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err == nil {
				err = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
			}
		}
	}
	if err == nil {
		err = syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	panic(err)
}

// long says whether the thorough tests are asked for.
func long() bool { return os.Getenv("LATENT_LONG") != "" }

// moments is how often a fault is tried at a random moment.
func moments() int {
	switch {
	case long():
		return 50
	case testing.Short():
		return 1
	}
	return 2
}

// few are the first n cases, and all of them where time does not matter.
func few[T any](n int, cases ...T) []T {
	if long() {
		return cases
	}
	if testing.Short() {
		n = 1
	}
	return cases[:min(n, len(cases))]
}

// folder is an empty folder for one test.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "t-")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// result is what a call of the program gave.
type result struct {
	stdout, stderr string
	code           int   // -1 where a signal ended it
	memory         int64 // bytes of it that the process had at most
}

// process is the program at work.
type process struct {
	*exec.Cmd
	out, err bytes.Buffer
}

// command prepares a call of the program. Output files and limits may still be set.
func command(args ...string) *process {
	p := &process{Cmd: exec.Command(program, args...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	return p
}

// restricted is a call of the program with one of the environment variables above.
func restricted(variable, value string, args ...string) *process {
	p := command(args...)
	p.Path, p.Args = os.Args[0], append([]string{os.Args[0], program}, args...)
	p.Env = append(os.Environ(), variable+"="+value)
	return p
}

func (p *process) start(t *testing.T) *process {
	t.Helper()
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// end waits for the process.
func (p *process) end(t *testing.T) result {
	t.Helper()
	hung := time.AfterFunc(6*time.Minute, func() { p.Process.Kill() })
	memory := p.watchMemory()
	err := p.Wait()
	if !hung.Stop() {
		t.Fatalf("%s did not end; stderr %q", strings.Join(p.Args, " "), p.err.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{p.out.String(), p.err.String(), p.ProcessState.ExitCode(), memory()}
}

// watchMemory looks at the most memory that the process had so far until its end.
// (What wait4 tells of it begins with the memory of these tests, which the new
// process had before it became the program.)
func (p *process) watchMemory() (most func() int64) {
	done, answer := make(chan bool), make(chan int64)
	go func() {
		kB := int64(0)
		for {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
			if _, line, ok := strings.Cut(string(status), "VmHWM:"); ok {
				fmt.Sscan(line, &kB)
			}
			select {
			case <-done:
				answer <- kB << 10
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(done); return <-answer }
}

// call runs the program.
func call(t *testing.T, args ...string) result {
	t.Helper()
	return command(args...).start(t).end(t)
}

// must is call for what has to succeed.
func must(t *testing.T, args ...string) result {
	t.Helper()
	r := call(t, args...)
	if r.code != 0 {
		t.Fatalf("latent %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r
}

// fails checks that a call ended with the code, one line on stderr that holds each
// of want, and no trace of a stack.
func (r result) fails(t *testing.T, what string, code int, want ...string) {
	t.Helper()
	if r.code != code || strings.Count(r.stderr, "\n") != 1 ||
		!strings.HasPrefix(r.stderr, "latent: ") || r.stdout != "" {
		t.Errorf("%s: exit code %d, want %d and one line on stderr\nstdout %q\nstderr %q", what,
			r.code, code, r.stdout, r.stderr)
	}
	for _, w := range append([]string{"latent: "}, want...) {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("%s: %q does not say %q", what, r.stderr, w)
		}
	}
	// the last of a temporary file
	for _, trace := range []string{"goroutine", "panic", "SIG", "internal error", ".go:", "/."} {
		if strings.Contains(strings.ReplaceAll(r.stderr, "/.stages/", "/"), trace) {
			t.Errorf("%s: stderr shows %q: %q", what, trace, r.stderr)
		}
	}
}

// refused is call for what must fail.
func refused(t *testing.T, code int, args []string, want ...string) result {
	t.Helper()
	r := call(t, args...)
	r.fails(t, "latent "+strings.Join(args, " "), code, want...)
	return r
}

var data struct {
	sync.Mutex
	dir string
}

// dataDir is a folder with MNIST unpacked, which is read faster than .gz.
func dataDir(t *testing.T) string {
	t.Helper()
	data.Lock()
	defer data.Unlock()
	if data.dir == "" {
		d := datasettest.Open(t, "mnist")
		dir := filepath.Join(scratch, "data")
		datasettest.Write(t, filepath.Join(dir, "MNIST", "raw"), d.Train, d.Test)
		data.dir = dir
	}
	return data.dir
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small are the flags of a run that takes a second.
func small(t *testing.T, command, out string, more ...string) []string {
	t.Helper()
	return append([]string{command, "--out", out, "--data", dataDir(t), "--limit", "300",
		"--batch-size", "100",
		"--threads", "1", "--quiet"}, more...)
}

// waitFor waits until a process has made a file, or has ended.
func (p *process) waitFor(t *testing.T, path string) {
	t.Helper()
	for range 12000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("no %s after a minute", path)
}
