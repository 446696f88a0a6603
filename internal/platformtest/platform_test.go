//go:build linux

// Package platformtest runs what was compiled for other systems, by emulation.
package platformtest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// emulator returns the path of qemu's user-mode emulation of arm64.
func emulator(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no qemu-aarch64 (Debian: qemu-user-static)")
	return ""
}

// pure runs the go command without cgo for an architecture of Linux, windows for Windows.
func pure(t *testing.T, arch string, args ...string) { goFor(t, "linux", arch, args...) }
func windows(t *testing.T, args ...string)           { goFor(t, "windows", "amd64", args...) }

func goFor(t *testing.T, system, arch string, args ...string) {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = "../.."
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
}

// writeRows writes a matrix of 500 rows as CSV.
func writeRows(t *testing.T, path string) {
	t.Helper()
	var rows strings.Builder
	for i := range 500 {
		fmt.Fprintf(&rows, "%d,%d,%d\n", i%7*40+i*i%11, i%7*i%13, i*i*i%17)
	}
	if err := os.WriteFile(path, []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tests runs a package's tests on an emulated arm64.
func tests(t *testing.T, name string, args ...string) string {
	t.Helper()
	qemu, program := emulator(t), filepath.Join(t.TempDir(), "test")
	pure(t, "arm64", "test", "-c", "-o", program, "./"+name)
	c := exec.Command(qemu, append([]string{program}, args...)...)
	c.Dir, c.Env = filepath.Join("../..", name), append(os.Environ(), "CGO_ENABLED=0") // of programs they build
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s on arm64: %v\n%s", name, err, out)
	}
	return string(out)
}

// The NEON assembly gives the bits of its Go twins.
func TestNEON(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles tsne for arm64")
	}
	out := tests(t, "tsne", "-test.v", "-test.run", "^Test(KernelsAreTheir|StepIsIts|SpillIsIts|WalkIsIts)Twin")
	if n := strings.Count(out, "--- PASS: "); n != 4 {
		t.Errorf("%d of 4 tests passed:\n%s", n, out)
	}
}

// LATENT_LONG=1: the tests of tsne and of the command pass on arm64, and its map is as good as
// amd64's. It has other bytes: outside the kernels the compiler fuses products and sums there.
func TestARM64(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1")
	}
	qemu := emulator(t)
	for _, name := range []string{"tsne", "centroid", "internal/atomicfile", "internal/matrix", "cmd/latent"} {
		tests(t, name, "-test.short")
	}
	dir := t.TempDir()
	input := filepath.Join(dir, "x.csv")
	writeRows(t, input)
	var kl [2]float64
	for i, arch := range []string{"amd64", "arm64"} {
		program := filepath.Join(dir, arch)
		pure(t, arch, "build", "-o", program, "./cmd/latent")
		args := []string{program, "tsne", "--quiet", "--json", "--input", input, "--output", filepath.Join(dir, arch+".npy")}
		if arch == "arm64" {
			args = append([]string{qemu}, args...)
		}
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		var result struct{ KL float64 }
		if err := json.Unmarshal(out, &result); err != nil {
			t.Fatal(err)
		}
		kl[i] = result.KL
	}
	if math.Abs(kl[0]-kl[1]) > 0.02*kl[0] {
		t.Errorf("divergence %v on amd64, %v on arm64", kl[0], kl[1])
	}
}
