//go:build linux && cgo

package moduletest

import (
	"archive/zip"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const path, version = "example.org/you/latent", "v0.1.0"

// proxy serves this module, renamed as docs/developing.md says, and what the module cache has,
// from folders. It returns the environment of a go command that starts with an empty module cache.
func proxy(t *testing.T) (copied string, env []string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	copied = t.TempDir()
	files, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard").Output()
	if err != nil || len(files) == 0 { // none: a copy below a folder that git ignores
		t.Skip("not a git checkout: ", err)
	}
	for _, name := range strings.Fields(string(files)) {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // removed, or a name with a space
		}
		to := filepath.Join(copied, name)
		info, _ := os.Stat(filepath.Join(root, name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	run(t, copied, os.Environ(), "scripts/build/rename_module.sh", path)

	at := filepath.Join(t.TempDir(), path, "@v")
	if err := os.MkdirAll(at, 0o777); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(copied, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": version + "\n",
		version + ".mod":  string(mod),
		version + ".info": `{"Version":"` + version + `","Time":"2026-01-01T00:00:00Z"}`} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	zipModule(t, copied, filepath.Join(at, version+".zip"))

	cache := strings.TrimSpace(run(t, root, os.Environ(), "go", "env", "GOMODCACHE"))
	served := strings.TrimSuffix(at, filepath.Join(path, "@v"))
	env = append(os.Environ(),
		"GOPROXY=file://"+served+",file://"+filepath.Join(cache, "cache",
			"download"), "GOSUMDB=off",
		"GOFLAGS=-mod=mod -modcacherw", "GOWORK=off", "GOMODCACHE="+filepath.Join(t.TempDir(),
			"modules"))
	return copied, env
}

// zipModule writes a module's zip: its files but those of modules inside it.
func zipModule(t *testing.T, dir, to string) {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != dir {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		entry, err := w.Create(path + "@" + version + "/" + filepath.ToSlash(relative))
		if err == nil {
			_, err = entry.Write(b)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A program that imports only tsne and centroid builds without cgo, and downloads nothing of what
// only the rest needs.
func TestImportedPureGo(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles tsne again")
	}
	_, env := proxy(t)
	dir := t.TempDir()
	program := `package main

import (
	"` + path + `/centroid"
	"` + path + `/tsne"
)

func main() {
	if _, err := centroid.Fit([]float32{0, 1}, 2, []int{0, 1}, centroid.Euclidean); err != nil || tsne.DefaultOptions().Validate() != nil {
		panic(err)
	}
}
`
	for name, text := range map[string]string{"main.go": program,
		"go.mod": "module example.com/pure\n\ngo 1.26.0\n\nrequire " + path + " " + version +
			"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	env = append(env, "CGO_ENABLED=0")
	run(t, dir, env, "go", "run", ".")
	cache := strings.TrimSpace(run(t, dir, env, "go", "env", "GOMODCACHE"))
	err := filepath.WalkDir(filepath.Join(cache, "cache", "download"),
		func(name string, d fs.DirEntry, err error) error {
			if strings.HasSuffix(name, ".zip") {
				for _, unwanted := range []string{"chromedp", "honnef.co", "gotorch"} {
					if strings.Contains(name, unwanted) {
						t.Errorf("%s was downloaded", name)
					}
				}
			}
			return err
		})
	if err != nil {
		t.Error(err)
	}
}

// A program that imports torch builds from Go's read-only module cache with the native half that
// `make install` put in place, and where there is none it says what is missing.
func TestImportedTorch(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("compiles torch again; set LATENT_LONG=1")
	}
	copied, env := proxy(t)
	prefix := t.TempDir()
	run(t, "../..", append(os.Environ(), "PREFIX="+prefix), "scripts/build/install.sh")

	dir := t.TempDir()
	source, err := os.ReadFile(filepath.Join(copied, "internal/moduletest/testdata/cnn/main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.go": string(source),
		"go.mod": "module example.com/cnn\n\ngo 1.26.0\n\nrequire " + path + " " + version +
			"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat("/usr/local/lib/latent"); err != nil {
		cmd := exec.Command("go", "build", "-o", "cnn", ".")
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err == nil ||
			!strings.Contains(string(out), "make install") {
			t.Errorf("without the native half: %v\n%s", err, out)
		}
	}
	lib := filepath.Join(prefix, "lib", "latent")
	env = append(env, "CGO_LDFLAGS=-L"+lib+" -Wl,-rpath,"+lib)
	run(t, dir, env, "go", "build", "-o", "cnn", ".")
	out := t.TempDir()
	if text := run(t, dir, os.Environ(), "./cnn", out); !strings.Contains(text, "trained: true") {
		t.Error(text)
	}
	pythonAgrees(t, out)
}
