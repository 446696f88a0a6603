package build

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A copy of the module under another path: every import follows, and it builds.
func TestRenameModule(t *testing.T) {
	const path = "example.org/some-one/latent.v2"
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	top = strings.TrimSuffix(top, "/scripts/build")
	run("bash", "-c",
		`set -o pipefail; tar -C "$0" --exclude=./build --exclude=./.git --exclude=./data --exclude=./runs --exclude=./bin -cf - . | tar -xf -`, top)
	run("scripts/build/rename_module.sh", path)

	packages := strings.Fields(run("go", "list", "-deps", "-test", "./..."))
	ours := 0
	for _, p := range packages {
		if strings.HasPrefix(p, path+"/") {
			ours++
		}
		if strings.HasPrefix(p, "latent/") {
			t.Errorf("%s is still imported", p)
		}
	}
	if ours < 20 {
		t.Errorf("%d packages below %s", ours, path)
	}
	if out := run("gofmt", "-l", "."); out != "" {
		t.Errorf("gofmt would change %s", out)
	}
	run("go", "build", "./tsne", "./centroid")
	for _, args := range [][]string{nil, {"a path"}, {"a", "b"}} {
		c := exec.Command("./rename_module.sh", args...)
		if out, err := c.CombinedOutput(); err == nil ||
			!strings.HasPrefix(string(out), "usage: ") {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
}
