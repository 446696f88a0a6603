//go:build linux

// Package platformtest runs what was compiled for other systems, by emulation.
package platformtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// goFor runs the go command without cgo for another system and returns what it printed.
func goFor(t *testing.T, system, arch string, args ...string) string {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = "../.."
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
	return string(out)
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
	goFor(t, "linux", "arm64", "test", "-c", "-o", program, "./"+name)
	c := exec.Command(qemu, append([]string{program}, args...)...)
	// of programs they build
	c.Dir, c.Env = filepath.Join("../..", name), append(os.Environ(), "CGO_ENABLED=0")
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
	out := tests(t, "tsne", "-test.v", "-test.run",
		"^Test(KernelsAreTheir|StepIsIts|SpillIsIts|WalkIsIts)Twin")
	if n := strings.Count(out, "--- PASS: "); n != 4 {
		t.Errorf("%d of 4 tests passed:\n%s", n, out)
	}
}

// The compiler fuses no product with a sum in tsne and centroid, except where math.FMA says so:
// each product is rounded by a conversion first, and results have the same bits everywhere.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for arm64")
	}
	fused :=
		regexp.MustCompile(`\((\S+/(?:tsne|centroid)/\w+\.go):(\d+)\)\s+FN?M(?:ADD|SUB)[SD]\s`)
	for _, name := range []string{"tsne", "centroid"} {
		out := goFor(t, "linux", "arm64", "build", "-gcflags=-S", "./"+name)
		if !strings.Contains(out, "FMULD") {
			t.Fatalf("%s: no assembly in %d bytes", name, len(out))
		}
		for _, m := range fused.FindAllStringSubmatch(out, -1) {
			line, _ := strconv.Atoi(m[2])
			source, err := os.ReadFile(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Split(string(source), "\n")[line-1]; !strings.Contains(text,
				"math.FMA(") {
				t.Errorf("%s:%d fuses a product with a sum: put the product in float64() or "+
					"float32():\n%s",
					m[1], line, text)
			}
		}
	}
}

// LATENT_LONG=1: tests of tsne, its maps to the byte among them, and of the command pass on arm64,
// and the program's map has the bytes of amd64's.
func TestARM64(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1")
	}
	qemu := emulator(t)
	for _, c := range []struct{ name, run string }{
		{"tsne", "KeepsItsBytes|Twin|Elementary|Eigen|PCA|Transform"}, {"centroid", ""},
		{"internal/atomicfile", ""}, {"internal/matrix", ""}, {"cmd/latent", ""},
	} {
		t.Run(c.name, func(t *testing.T) { tests(t, c.name, "-test.short", "-test.run", c.run) })
	}
	dir := t.TempDir()
	writeRows(t, filepath.Join(dir, "x.csv"))
	programs := map[string]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		programs[arch] = filepath.Join(dir, arch)
		goFor(t, "linux", arch, "build", "-o", programs[arch], "./cmd/latent")
	}
	for _, c := range [][]string{
		{"--schedule", "scikit-learn"},
		{"--schedule", "auto"},
		{"--schedule", "auto", "--components", "3", "--neighbors", "approximate"},
		{"--schedule", "scikit-learn", "--method", "exact", "--init", "random", "--iterations",
			"300"},
	} {
		maps := map[string][]byte{}
		for arch, program := range programs {
			output := filepath.Join(dir, arch+".npy")
			args := append([]string{program, "tsne", "--quiet", "--input", "x.csv", "--output",
				output}, c...)
			if arch == "arm64" {
				args = append([]string{qemu}, args...)
			}
			run := exec.Command(args[0], args[1:]...)
			run.Dir = dir
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", run, err, out)
			}
			written, err := os.ReadFile(output)
			if err != nil {
				t.Fatal(err)
			}
			maps[arch] = written
		}
		if !bytes.Equal(maps["amd64"], maps["arm64"]) {
			t.Errorf("tsne %v: the map on arm64 is not amd64's", c)
		}
	}
}
