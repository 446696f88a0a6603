package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// install.sh with small stand-ins for the program, its native half and a libtorch
// that was downloaded into build/: all of it is installed, and works when the
// checkout is gone. (internal/faulttest installs the real program.)
func TestInstall(t *testing.T) {
	for _, tool := range []string{"g++", "readelf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no ", tool)
		}
	}
	top := t.TempDir()
	checkout := filepath.Join(top, "a checkout été")
	install, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	write(t, checkout+"/scripts/build/install.sh", string(install))
	write(t, checkout+"/bin/.keep", "")
	libtorch := checkout + "/build/libtorch/lib"
	write(t, libtorch+"/torch.cc", `extern "C" int torch() { return 7; }`)
	write(t, checkout+"/build/shim.cc",
		`extern "C" int torch(); extern "C" int shim() { return torch(); }`)
	write(t, checkout+"/bin/main.cc", `#include <cstdio>
extern "C" int shim();
int main(int n, char **args) { printf("%s %d\n", n > 1 ? args[n - 1] : "run", shim()); }`)
	write(t, checkout+"/build/libtorch.env",
		"LIBTORCH_VERSION=2.5.1\nLIBTORCH_LIB='"+libtorch+"'\n")
	run := func(dir, name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "PREFIX=/opt/latent", "DESTDIR="+top+"/stage")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run(libtorch, "g++", "-shared", "-fPIC", "-o", "libtorch_cpu.so", "torch.cc")
	run(checkout, "g++", "-shared", "-fPIC", "-o", "build/libcgotorch.so", "build/shim.cc",
		"-L"+libtorch, "-ltorch_cpu", "-Wl,-rpath,"+libtorch)
	// As cgo does, with more folders than one.
	run(checkout, "g++", "-o", "bin/latent", "bin/main.cc", "-Lbuild", "-lcgotorch",
		"-Wl,-rpath,"+checkout+"/build", "-Wl,-rpath,"+checkout+"/elsewhere",
		"-Wl,--allow-shlib-undefined")

	if out := run(checkout, "scripts/build/install.sh"); strings.Contains(out, "must stay") {
		t.Errorf("printed %q of a libtorch that is installed too", out)
	}
	if err := os.RemoveAll(checkout + "/build"); err != nil {
		t.Fatal(err)
	}
	prefix := top + "/stage/opt/latent"
	if out := run(top, prefix+"/bin/latent"); out != "run 7\n" {
		t.Errorf("the installed program prints %q", out)
	}
	installed := map[string]string{ // what each file begins with
		"share/man/man1/latent.1":                     "man 7\n",
		"share/bash-completion/completions/latent":    "bash 7\n",
		"share/zsh/site-functions/_latent":            "zsh 7\n",
		"share/fish/vendor_completions.d/latent.fish": "fish 7\n",
		"lib/latent/libtorch_cpu.so":                  "\x7fELF",
		"lib/latent/libcgotorch.so":                   "\x7fELF",
		"bin/latent":                                  "\x7fELF",
	}
	for name, want := range installed {
		if b, err := os.ReadFile(filepath.Join(prefix, name)); err != nil ||
			!strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	run(checkout, "scripts/build/install.sh", "--uninstall")
	for name := range installed {
		if _, err := os.Stat(filepath.Join(prefix, name)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	c := exec.Command(checkout + "/scripts/build/install.sh") // nothing is built
	if out, err := c.CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "run 'make' first") {
		t.Errorf("without a build: %v, %s", err, out)
	}
}
