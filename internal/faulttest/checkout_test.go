//go:build linux && cgo

package faulttest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A checkout below a folder that only its owner may enter, as root's home is: the
// suite builds there, and the program runs with its owner's ordinary rights. What is
// installed from there runs for everybody, also when the checkout is gone.
func TestOwnersCheckout(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the program in another folder")
	}
	t.Parallel()
	owners := folder(t)
	chmod(t, owners, 0o700)
	checkout := filepath.Join(owners, "latent")
	copyCheckout(t, checkout)
	c := exec.Command("go", "test", "-short", "-vet=off", "-v", "-run", "^TestReadOnly$",
		"./internal/faulttest")
	c.Dir = checkout
	if out, err := c.CombinedOutput(); err != nil ||
		!strings.Contains(string(out), "--- PASS: TestReadOnly") {
		t.Fatalf("%v\n%s", err, out)
	}

	prefix := folder(t)
	for _, args := range [][]string{
		{"go", "build", "-buildvcs=false", "-o", "bin/latent", "./cmd/latent"},
		{"scripts/build/install.sh"},
	} {
		c := exec.Command(args[0], args[1:]...)
		c.Dir, c.Env = checkout, append(os.Environ(), "PREFIX="+prefix, "DESTDIR=")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	if err := os.RemoveAll(checkout); err != nil {
		t.Fatal(err)
	}
	c = exec.Command(filepath.Join(prefix, "bin", "latent"), "info", "--threads", "1")
	c.Dir = prefix
	if os.Geteuid() == 0 && everybodys(filepath.Join(prefix, "lib", "latent", "libcgotorch.so")) {
		// nobody
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534,
			Gid: 65534}}
	}
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "libtorch") {
		t.Errorf("the installed program: %v\n%s", err, out)
	}
}

// A checkout in a folder with spaces and umlauts is built there, and its program works where it
// is moved to, without being built again.
func TestMovedCheckout(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the program in another folder")
	}
	t.Parallel()
	checkout := filepath.Join(folder(t), "ein Ort für alles")
	copyCheckout(t, checkout)
	info := func(dir string) {
		t.Helper()
		c := exec.Command(filepath.Join(dir, "bin", "latent"), "info", "--threads", "1")
		if out, err := c.CombinedOutput(); err != nil ||
			!strings.Contains(string(out), "libtorch") {
			t.Errorf("in %s: %v\n%s", dir, err, out)
		}
	}
	c := exec.Command("go", "build", "-buildvcs=false", "-o", "bin/latent", "./cmd/latent")
	c.Dir = checkout
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info(checkout)
	moved := filepath.Join(filepath.Dir(checkout), "anderswo")
	if err := os.Rename(checkout, moved); err != nil {
		t.Fatal(err)
	}
	info(moved)
}

// LATENT_LONG=1: with LATENT_BUILD elsewhere, make builds a checkout that it may not write to, and
// the program is in that folder.
func TestBuildElsewhere(t *testing.T) {
	if !long() {
		t.Skip("LATENT_LONG=1")
	}
	checkout, build := filepath.Join(folder(t), "checkout"), filepath.Join(folder(t), "mein Bau")
	copyCheckout(t, checkout)
	if err := os.RemoveAll(filepath.Join(checkout, "build")); err != nil {
		t.Fatal(err)
	}
	before := hashes(t, checkout)
	writable(t, checkout, false)
	t.Cleanup(func() { writable(t, checkout, true) })
	tool, err := exec.LookPath("make")
	if err != nil {
		t.Skip("no make")
	}
	c := exec.Command(os.Args[0], tool, "build", "LATENT_BUILD="+build)
	c.Dir, c.Env = checkout,
		append(os.Environ(), unprivileged+"=1", "MAKEFLAGS=", "LATENT_BUILD="+build)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	unchanged(t, "built elsewhere", checkout, before)
	c = exec.Command(filepath.Join(build, "bin", "latent"), "info", "--threads", "1")
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "libtorch") {
		t.Errorf("%v\n%s", err, out)
	}
}

// writable lets the owner of a folder write to all of it, or not.
func writable(t *testing.T, dir string, yes bool) {
	t.Helper()
	mode := map[bool]string{true: "u+w", false: "a-w"}[yes]
	if out, err := exec.Command("chmod", "-R", mode, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// everybodys says whether every user may load the library and those that it needs,
// libtorch among them.
func everybodys(library string) bool {
	c := exec.Command("ldd", library)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.CombinedOutput()
	return err == nil && !strings.Contains(string(out), "not found")
}

// copyCheckout copies what git would, and the native half that `make` left in build/.
func copyCheckout(t *testing.T, to string) {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == top {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		inBuild := filepath.Dir(name) == "build"
		if e.IsDir() {
			switch {
			case name == ".git", name == "bin", name == "data", name == "runs", inBuild:
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		if !e.Type().IsRegular() || inBuild && filepath.Ext(name) != ".so" &&
			name != "build/libtorch.env" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o755) // scripts among them
	})
	if err != nil {
		t.Fatal(err)
	}
}
