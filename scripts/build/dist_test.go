package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// LATENT_LONG=1: make dist gives the same bytes in another folder, under another environment.
func TestDist(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1")
	}
	top, clone := "../..", filepath.Join(t.TempDir(), "ein Klon")
	if out, err := exec.Command("git", "clone", "-q", "-s", top,
		clone).CombinedOutput(); err != nil {
		t.Skipf("no git checkout: %s", out)
	}
	if err := exec.Command("git", "-C", top, "diff", "--quiet", "HEAD").Run(); err != nil {
		t.Skip("the checkout has changes")
	}
	var made [2]string
	for i, from := range []string{top, clone} {
		made[i] = filepath.Join(t.TempDir(), "dist")
		c := exec.Command("scripts/build/dist.sh", made[i])
		c.Dir, c.Env = from, append(os.Environ(), "TARGETS=linux/arm64 windows/amd64")
		if i == 1 {
			c.Env = append(c.Env, "GOFLAGS=-mod=mod", "GOARM64=v8.2", "GOAMD64=v3",
				"TZ=Asia/Tokyo", "LC_ALL=C")
		}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	files, _ := filepath.Glob(made[0] + "/*")
	if len(files) != 4 {
		t.Errorf("made %v", files)
	}
	for _, file := range files {
		a, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(made[1], filepath.Base(file))); err != nil ||
			!bytes.Equal(a, b) {
			t.Errorf("%s is another one in another folder (%v)", filepath.Base(file), err)
		}
	}
}
