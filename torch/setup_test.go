//go:build linux && cgo

package torch

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// firstUse makes this test program use libtorch in one way and print what is set.
const firstUse = "TORCH_TEST_FIRST_USE"

// firstUses are calls that may be the first of a process, and the threads that
// libtorch then has.
var firstUses = map[string]struct {
	threads int
	use     func() error
}{
	"GetInfo":    {DefaultThreads(), func() error { _, err := GetInfo(); return err }},
	"ManualSeed": {DefaultThreads(), func() error { return ManualSeed(1) }},
	"Do": {DefaultThreads(),
		func() error { return Do(func(s *Scope) { s.Float32s([]float32{1}, 1).ReLU() }) }},
	"Product": {DefaultThreads(), func() error {
		return Product(make([]float32, 1), []float32{2}, []float32{3}, 1, 1, 1)
	}},
	"Init":     {3, func() error { return Init(3) }},
	"new core": {DefaultThreads(), newCore},
}

// newCore multiplies with an older core's kernels, then with those that setUp takes.
func newCore() error {
	if vectors() != avx512 {
		return nil
	}
	for _, core := range []string{"Haswell", "SkylakeX"} {
		if err := setBLASCore(core); err != nil {
			return err
		}
		i, err := getInfo()
		if err != nil {
			return err
		}
		if strings.Contains(i.BLAS, "DYNAMIC_ARCH") && !strings.HasSuffix(i.BLAS, " core "+core) {
			return fmt.Errorf("set to %s, is %s", core, i.BLAS)
		}
		const n = 200
		x, out := make([]float32, n*n), make([]float32, n*n)
		for i := range x {
			x[i] = float32(i % 7)
		}
		if err := Product(out, x, x, n, n, n); err != nil {
			return err
		}
		want := float32(0)
		for _, v := range x[:n] {
			want += v * v
		}
		if out[0] != want {
			return fmt.Errorf("core %s: %g, want %g", core, out[0], want)
		}
	}
	return nil
}

func useFirst(name string) error {
	if err := firstUses[name].use(); err != nil {
		return err
	}
	i, err := getInfo()
	fmt.Printf("%d threads, %d, %s\n", i.Threads, i.BLASThreads, i.BLAS)
	return err
}

// Whatever a process does first, libtorch is set up as for the command.
func TestSetUpAtFirstUse(t *testing.T) {
	for name, want := range firstUses {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), firstUse+"="+name)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		blas := 0
		if strings.Contains(string(out), "OpenBLAS") {
			blas = 1
		}
		if !strings.HasPrefix(string(out), fmt.Sprintf("%d threads, %d, ", want.threads, blas)) {
			t.Errorf("first use %s: %s", name, out)
		}
		_, line, _ := strings.Cut(string(out), "threads, ")
		if core := betterCore(strings.TrimSpace(line), vectors()); core != "" {
			t.Errorf("first use %s: BLAS for an older CPU, %s fits: %s", name, core, out)
		}
	}
}

// Init reaches threads that have worked before.
func TestInitReachesEveryThread(t *testing.T) {
	defer Init(DefaultThreads())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, n := range []int{2, 3, 1} {
		done := make(chan error)
		go func() { done <- Init(n) }() // on another thread, since this one is locked
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var i Info
		err := Do(func(*Scope) { i, _ = getInfo() })
		if err != nil || i.Threads != n {
			t.Errorf("%d threads (%v), want %d", i.Threads, err, n)
		}
	}
}
