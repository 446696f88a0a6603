//go:build linux

package platformtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wine returns a function that runs a Windows program in a folder, in a Wine of its own.
func wine(t *testing.T) func(dir, program string, args ...string) (string, error) {
	t.Helper()
	var path string
	for _, name := range []string{"wine64", "wine", "/usr/lib/wine/wine64"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no wine (Debian: wine64)")
	}
	env := append(os.Environ(), "WINEPREFIX="+filepath.Join(t.TempDir(), "wine"), "WINEDEBUG=-all")
	run := func(dir, program string, args ...string) (string, error) {
		c := exec.Command(path, append([]string{program}, args...)...)
		c.Dir, c.Env = dir, env
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run("", "wineboot", "--init")
	if err != nil {
		t.Skipf("wine does not start: %v\n%s", err, out)
	}
	t.Cleanup(func() { // its server holds the prefix
		c := exec.Command(filepath.Join(filepath.Dir(path), "wineserver"), "-k")
		c.Env = env
		_ = c.Run()
	})
	system := filepath.Join(strings.TrimPrefix(env[len(env)-2], "WINEPREFIX="),
		"drive_c/windows/system32")
	dll := filepath.Join(system, "bcryptprimitives.dll")
	if _, err := os.Stat(dll); err != nil {
		c := exec.Command("x86_64-w64-mingw32-gcc", "-shared", "-o", dll,
			"testdata/bcryptprimitives.c", "-ladvapi32")
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("this wine lacks bcryptprimitives.dll, and it cannot be made: %v\n%s", err,
				out)
		}
	}
	return run
}

// LATENT_LONG=1: the Windows program works. The packages' own tests do not run on Wine 8,
// where os.RemoveAll fails and with it every t.TempDir.
func TestWindows(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("LATENT_LONG=1")
	}
	run := wine(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "latent.exe")
	goFor(t, "windows", "amd64", "build", "-o", program, "./cmd/latent")
	writeRows(t, filepath.Join(dir, "zwei Wörter.csv"))
	for _, step := range []struct {
		args  []string
		file  string // written
		fails string // printed by a call that must fail
	}{
		{args: []string{"tsne", "--quiet", "--input", "zwei Wörter.csv", "--output", "y.npy",
			"--iterations", "260"}, file: "y.npy"},
		// replaced
		{args: []string{"tsne", "--quiet", "--input", "zwei Wörter.csv", "--output", "y.npy",
			"--iterations", "260"}, file: "y.npy"},
		{args: []string{"plot", "scatter", "--input", "y.npy", "--output", "Bild.png"},
			file: "Bild.png"},
		{args: []string{"report", "--map", "y.npy", "--input", "zwei Wörter.csv", "-o",
			"Bericht.html"}, file: "Bericht.html"},
		{args: []string{"train", "--out", "x"}, fails: "needs libtorch"},
		{args: []string{"tsne", "--input", "none.npy", "--output", "y.npy"}, fails: "none.npy"},
	} {
		out, err := run(dir, program, step.args...)
		if (err != nil) != (step.fails != "") || !strings.Contains(out, step.fails) {
			t.Errorf("latent %s: %v\n%s", strings.Join(step.args, " "), err, out)
		}
		if step.file == "" {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, step.file)); err != nil || info.Size() < 1000 {
			t.Errorf("%s is not written: %v", step.file, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
