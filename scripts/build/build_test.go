// Package build tests the build scripts beside it.
package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script runs one of this folder's scripts, in an environment of its own but for the path, and
// returns what it printed and whether it ended well.
func script(t *testing.T, env map[string]string, name string, args ...string) (string, bool) {
	t.Helper()
	c := exec.Command("./"+name, args...)
	// CXX only has to exist here; no test may install packages.
	// The PATH's python3 has no torch, unless a test puts another before it.
	bin := t.TempDir()
	write(t, bin+"/python3", "#!/bin/sh\nexit 1\n")
	path := bin + ":" + os.Getenv("PATH")
	if first, ok := env["BIN"]; ok {
		path = first + ":" + path
	}
	c.Env = []string{"PATH=" + path, "HOME=" + t.TempDir(), "CXX=sh", "LATENT_APT=no"}
	for k, v := range env {
		c.Env = append(c.Env, k+"="+v)
	}
	out, err := c.CombinedOutput()
	return string(out), err == nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestDownloadLibtorch(t *testing.T) {
	for _, tool := range []string{"curl", "unzip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no ", tool)
		}
	}
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	w, _ := z.CreateHeader(&zip.FileHeader{Name: "libtorch/lib/libtorch.so", Method: zip.Store})
	w.Write(bytes.Repeat([]byte("library"), 10000))
	z.Close()
	sum := sha256.Sum256(file.Bytes())
	right := hex.EncodeToString(sum[:])
	wrong := strings.Repeat("0", 64)
	half := file.Len() / 2

	for _, test := range []struct {
		name     string
		env      map[string]string
		part     int  // bytes of the file that an earlier run left
		rangeOff bool // the server cannot resume
		ok       bool
		says     string
		ranges   []string // of each request
	}{
		{"fresh", map[string]string{"LIBTORCH_SHA256": right}, 0, false, true, "done",
			[]string{""}},
		{"resumed", map[string]string{"LIBTORCH_SHA256": right}, half, false, true, "done",
			[]string{"bytes=" + strconv.Itoa(half) + "-"}},
		{"server cannot resume", map[string]string{"LIBTORCH_SHA256": right}, half, true, true,
			"done", []string{"bytes=" + strconv.Itoa(half) + "-", ""}},
		{"fetched, not unpacked", map[string]string{"LIBTORCH_SHA256": right}, file.Len(), false,
			true, "done", nil},
		{"wrong checksum", map[string]string{"LIBTORCH_SHA256": wrong}, 0, false, false,
			"has SHA-256 " + right + ", not " + wrong, []string{""}},
		{"pinned checksum", nil, 0, false, false, "has SHA-256 " + right + ", not 618ca54e",
			[]string{""}},
		{"unknown release", map[string]string{"LIBTORCH_RELEASE": "2.6.0"}, 0, false, false,
			"set LIBTORCH_SHA256=", nil},
		{"no such file", map[string]string{"LIBTORCH_RELEASE": "9.9.9", "LIBTORCH_SHA256": right},
			0, false, false, "curl ended with 22", []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ranges []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
				r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				if !strings.HasSuffix(r.URL.Path,
					"/libtorch-cxx11-abi-shared-with-deps-2.5.1+cpu.zip") {
					http.NotFound(w, r)
				} else if test.rangeOff {
					w.Write(file.Bytes())
				} else {
					http.ServeContent(w, r, "libtorch.zip", time.Time{},
						bytes.NewReader(file.Bytes()))
				}
			}))
			defer server.Close()
			build := t.TempDir()
			env := map[string]string{"LATENT_BUILD": build, "LIBTORCH_URL": server.URL,
				"no_proxy": "127.0.0.1"}
			for k, v := range test.env {
				env[k] = v
			}
			if test.part > 0 {
				write(t, build+"/libtorch-"+right+".part", file.String()[:test.part])
			}
			out, ok := script(t, env, "download.sh")
			if ok != test.ok || !strings.Contains(out, test.says) {
				t.Errorf("ended well: %v, want %v; printed\n%swant %q in it", ok, test.ok, out,
					test.says)
			}
			if strings.Join(ranges, "|") != strings.Join(test.ranges, "|") ||
				len(ranges) != len(test.ranges) {
				t.Errorf("asked for ranges %q, want %q", ranges, test.ranges)
			}
			left, _ := filepath.Glob(build + "/*")
			if !test.ok && len(left) > 0 {
				t.Errorf("a failure left %v", left)
			}
			if test.ok {
				if len(left) != 1 || left[0] != build+"/libtorch" {
					t.Errorf("left %v, want libtorch alone", left)
				}
				ranges = nil
				if out, ok := script(t, env, "download.sh"); !ok ||
					!strings.Contains(out, "already") || ranges != nil {
					t.Errorf("a second run asked for %q and printed %s", ranges, out)
				}
			}
		})
	}
}

// native.mk compiles what changed and nothing else; a small stand-in takes libtorch's place.
func TestNativeMake(t *testing.T) {
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("no g++")
	}
	dir := t.TempDir()
	mk, err := filepath.Abs("native.mk")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/include/torch/torch.h", "#pragma once\n")
	write(t, dir+"/obj/src/cgotorch/device.cc",
		"#include <torch/torch.h>\nextern \"C\" void SetNumThreads() {}\n")
	write(t, dir+"/torch/native/shim.h", "#pragma once\nextern \"C\" void SetNumThreads();\n")
	write(t, dir+"/torch/native/shim.cc", "#include \"shim.h\"\nvoid SetNumThreads() {}\n")
	write(t, dir+"/torch/native/other.cc", "int other() { return 0; }\n")
	for _, d := range []string{"gotorch", "shim"} {
		if err := os.MkdirAll(dir+"/obj/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name   string
		change func()
		built  string // steps printed
	}{
		{"fresh", func() {},
			"precompile torch/torch.h,compile gotorch/device.cc,compile shim.cc,compile " +
				"other.cc,link libcgotorch.so"},
		{"again", func() {}, ""},
		{"a header", func() { touch(t, dir+"/torch/native/shim.h") },
			"compile shim.cc,link libcgotorch.so"},
		{"a source", func() { touch(t, dir+"/torch/native/other.cc") },
			"compile other.cc,link libcgotorch.so"},
		{"a source less", func() { os.Remove(dir + "/torch/native/other.cc") },
			"link libcgotorch.so"},
		{"again", func() {}, ""},
	} {
		step.change()
		c := exec.Command("make", "-s", "-f", mk, "CXX=g++", "OBJ=obj",
			"CXXFLAGS=-std=c++17 -fPIC -fopenmp -Iinclude", "LDLIBS=")
		c.Dir = dir
		for _, v := range os.Environ() { // this test may run below another make
			if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") {
				c.Env = append(c.Env, v)
			}
		}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", step.name, err, out)
		}
		want := map[string]bool{}
		for _, s := range strings.Split(step.built, ",") {
			want[s] = s != ""
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		for _, line := range lines {
			s, _, _ := strings.Cut(strings.TrimPrefix(line, "native: "), " (")
			s = strings.Replace(s, "torch/native/", "", 1)
			if line != "" && !want[s] {
				t.Errorf("%s: did %q, want only %q", step.name, line, step.built)
			}
			delete(want, s)
		}
		delete(want, "")
		if len(want) > 0 {
			t.Errorf("%s: %v was not done:\n%s", step.name, want, out)
		}
	}
}

// touch makes a file newer than anything built so far.
func touch(t *testing.T, path string) {
	t.Helper()
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
}
