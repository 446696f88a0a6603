package faulttest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A checkout below a folder that only its owner may enter, as root's home is: the
// suite builds there, and the program runs with its owner's ordinary rights.
func TestOwnersCheckout(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the program in another folder")
	}
	t.Parallel()
	owners := folder(t)
	chmod(t, owners, 0o700)
	checkout := filepath.Join(owners, "latent")
	copyCheckout(t, checkout)
	c := exec.Command("go", "test", "-short", "-vet=off", "-v", "-run", "^TestReadOnly$", "./internal/faulttest")
	c.Dir = checkout
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestReadOnly") {
		t.Errorf("%v\n%s", err, out)
	}
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
		if !e.Type().IsRegular() || inBuild && filepath.Ext(name) != ".so" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
