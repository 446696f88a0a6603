package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latent/internal/datasettest"
	"latent/internal/programtest"
)

// program builds the program once, for tests that need a process of its own.
var program = sync.OnceValues(func() (string, error) {
	return programtest.Build(scratch)
})

var scratch string // removed when all tests are done

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "latent-test-"); err != nil {
		panic(err)
	}
	programtest.TakeSignals()
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// result is what a call of the program gave.
type result struct {
	stdout, stderr string
	code           int
}

// call runs the program in this process, which saves it from loading libtorch
// again.
func call(t *testing.T, args ...string) result {
	t.Helper()
	var r result
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = files[0], files[1]
	r.code = execute(append([]string{"latent"}, args...))
	os.Stdout, os.Stderr = stdout, stderr
	for i, text := range []*string{&r.stdout, &r.stderr} {
		b, err := os.ReadFile(files[i].Name())
		if err != nil {
			t.Fatal(err)
		}
		*text = string(b)
	}
	return r
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

// refuse is call for what has to fail with one line on stderr and nothing on
// stdout. The line must hold each of want.
func refuse(t *testing.T, code int, args []string, want ...string) {
	t.Helper()
	r := call(t, args...)
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if r.code != code || len(lines) != 1 || r.stdout != "" {
		t.Errorf(
			"latent %s: exit code %d, want %d and one line on stderr:\nstdout: %q\nstderr: %q",
			strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	for _, w := range append(want, "latent: ") {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("latent %s: %q does not say %q", strings.Join(args, " "), r.stderr, w)
		}
	}
}

// textFile is a file that is read when it is printed.
type textFile string

func (f textFile) String() string {
	b, err := os.ReadFile(string(f))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// start starts the program as a process; its stderr can be read while it runs.
func start(t *testing.T, args ...string) (*exec.Cmd, textFile) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, exec.Command(path, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) (*exec.Cmd, textFile) {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.Stderr = f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd, textFile(f.Name())
}

// wait waits for a process and returns its exit code, -1 where a signal ended it.
func wait(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(2 * time.Minute):
		cmd.Process.Kill()
		<-done
		t.Fatal("the process did not end")
	}
	return cmd.ProcessState.ExitCode()
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 12000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited two minutes for %s", what)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var unpacked bool

// dataDir is a folder with MNIST unpacked, which is read faster than .gz. Tests
// that need it are skipped where MNIST cannot be had.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(scratch, "data")
	if unpacked {
		return dir
	}
	d := datasettest.Open(t, "mnist")
	datasettest.Write(t, filepath.Join(dir, "MNIST", "raw"), d.Train, d.Test)
	unpacked = true
	return dir
}

// small are the flags of a training run that takes a fraction of a second.
func small(t *testing.T, command, out string, more ...string) []string {
	t.Helper()
	return append([]string{command, "--out", out, "--data", dataDir(t), "--limit", "300",
		"--batch-size", "100",
		"--threads", "1", "--quiet"}, more...)
}

// sameFiles compares files of two folders byte by byte.
func sameFiles(t *testing.T, a, b string, names ...string) {
	t.Helper()
	for _, name := range names {
		x, y := read(t, filepath.Join(a, name)), read(t, filepath.Join(b, name))
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs between %s (%d bytes) and %s (%d bytes)", name, a, len(x), b,
				len(y))
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// object decodes the one JSON object on stdout.
func object(t *testing.T, r result) map[string]any {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(r.stdout))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, r.stdout)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than one object in %q", r.stdout)
	}
	return v
}

// at follows a path of keys, and fails where one is missing.
func at(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for i, key := range keys {
		m, ok := v.(map[string]any)
		if !ok || m[key] == nil {
			t.Fatalf("no %s in %v", strings.Join(keys[:i+1], "."), v)
		}
		v = m[key]
	}
	return v
}

// snapshotFiles is the content of files of a folder.
func snapshotFiles(t *testing.T, dir string, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		all.Write(read(t, filepath.Join(dir, name)))
	}
	return all.String()
}
