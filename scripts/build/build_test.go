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

// script runs one of this folder's scripts, in an environment of its own but for the path, and returns what it
// printed and whether it ended well.
func script(t *testing.T, env map[string]string, name string, args ...string) (string, bool) {
	t.Helper()
	c := exec.Command("./"+name, args...)
	// CXX only has to exist here; no test may install packages.
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CXX=sh", "LATENT_APT=no"}
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

// What of libc10.so tells its ABI: the symbol of c10::Error's constructor.
const (
	newABI = "_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
	oldABI = "_ZN3c105ErrorC1ENS_14SourceLocationESs"
	libcxx = "_ZN3c105ErrorC1ENS_14SourceLocationENSt3__112basic_stringIcNS2_11char_traitsIcEEEE"
)

// fakeLibtorch lays out what the finder looks at, under include and lib.
func fakeLibtorch(t *testing.T, include, lib, version, symbol string) {
	t.Helper()
	v := strings.Split(version, ".")
	write(t, include+"/torch/csrc/api/include/torch/torch.h", "")
	write(t, include+"/torch/csrc/api/include/torch/version.h",
		"#define TORCH_VERSION_MAJOR "+v[0]+"\n#define TORCH_VERSION_MINOR "+v[1]+"\n#define TORCH_VERSION_PATCH "+v[2]+"\n")
	write(t, lib+"/libc10.so", "\x7fELF\x00"+symbol+"\x00")
	write(t, lib+"/libtorch.so", "")
	write(t, lib+"/libtorch_cpu.so", "")
}

// fakePython answers as a Python whose torch lies in root.
func fakePython(t *testing.T, path, root, version string) {
	write(t, path, "#!/bin/sh\nprintf '%s\\n' '"+root+"' '"+version+"'\n")
}

func TestFindLibtorch(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func(t *testing.T, dir string) map[string]string
		ok    bool
		says  string // in what is printed
		env   string // in libtorch.env
	}{
		{"folder missing", func(t *testing.T, dir string) map[string]string {
			return map[string]string{"LIBTORCH": dir + "/none"}
		}, false, "none: no such folder", ""},
		{"no include", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/elsewhere", dir+"/lib", "1.13.1", newABI)
			return map[string]string{"LIBTORCH": dir}
		}, false, "include lacks torch/csrc/api/include/torch/torch.h", ""},
		{"no lib", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/elsewhere", "1.13.1", newABI)
			return map[string]string{"LIBTORCH": dir}
		}, false, "lib lacks libc10.so", ""},
		{"too old", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "1.12.1", newABI)
			return map[string]string{"LIBTORCH": dir}
		}, false, "version 1.12.1 is too old; 1.13 or later is needed", ""},
		{"another C++ library", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "2.5.1", libcxx)
			return map[string]string{"LIBTORCH": dir}
		}, false, "is not libstdc++'s", ""},
		{"no version", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "1.13.1", newABI)
			write(t, dir+"/include/torch/csrc/api/include/torch/version.h", "")
			return map[string]string{"LIBTORCH": dir}
		}, false, "no version can be read", ""},
		{"LIBTORCH", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "1.13.1", newABI)
			return map[string]string{"LIBTORCH": dir}
		}, true, "1.13.1, LIBTORCH=", "LIBTORCH_ABI=1"},
		{"old ABI, a space in the name", func(t *testing.T, dir string) map[string]string {
			dir += "/a b"
			fakeLibtorch(t, dir+"/include", dir+"/lib", "2.5.1", oldABI)
			return map[string]string{"LIBTORCH": dir}
		}, true, "2.5.1", "LIBTORCH_ABI=0"},
		{"version in headeronly", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "1.0.0", newABI)
			write(t, dir+"/include/torch/csrc/api/include/torch/version.h", "")
			write(t, dir+"/include/torch/headeronly/version.h",
				"#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define TORCH_VERSION_PATCH 0\n")
			return map[string]string{"LIBTORCH": dir}
		}, true, "2.11.0", "LIBTORCH_VERSION=2.11.0"},
		{"LIBTORCH before LATENT_PYTHON", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/include", dir+"/lib", "2.1.0", newABI)
			return map[string]string{"LIBTORCH": dir, "LATENT_PYTHON": dir + "/none"}
		}, true, "2.1.0", "LIBTORCH_VERSION=2.1.0"},
		{"no such Python", func(t *testing.T, dir string) map[string]string {
			return map[string]string{"LATENT_PYTHON": dir + "/none"}
		}, false, "it does not run or has no torch", ""},
		{"LATENT_PYTHON before the system's", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.13.1", newABI)
			fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
			fakePython(t, dir+"/python", dir+"/site/torch", "2.11.0+cpu")
			return map[string]string{"LATENT_PYTHON": dir + "/python", "LATENT_SYSROOT": dir}
		}, true, "2.11.0+cpu", "LIBTORCH_VERSION=2.11.0+cpu"},
		{"a distribution's Python", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.13.1", newABI)
			fakePython(t, dir+"/python", dir+"/dist-packages/torch", "1.13.0a0")
			return map[string]string{"LATENT_PYTHON": dir + "/python", "LATENT_SYSROOT": dir}
		}, true, "1.13.1, LATENT_PYTHON=", "LIBTORCH_VERSION=1.13.1"},
		{"CUDA without its compiler's headers", func(t *testing.T, dir string) map[string]string {
			fakeCUDA(t, dir)
			return map[string]string{"LATENT_PYTHON": dir + "/python"}
		}, true, "CUDA support: off: crt/host_config.h is missing; " /* PYTHON -m pip install … */, "LIBTORCH_CUDA=''"},
		{"CUDA", func(t *testing.T, dir string) map[string]string {
			fakeCUDA(t, dir)
			write(t, dir+"/site/nvidia/cu13/include/crt/host_config.h", "")
			return map[string]string{"LATENT_PYTHON": dir + "/python"}
		}, true, "pip install 'nvidia-cuda-cccl==13.0.*'", "LIBTORCH_CUDA=13.0"},
		{"CUDA and NCCL", func(t *testing.T, dir string) map[string]string {
			fakeCUDA(t, dir)
			write(t, dir+"/site/nvidia/cu13/include/crt/host_config.h", "")
			write(t, dir+"/site/nvidia/cu13/include/nv/target", "")
			return map[string]string{"LATENT_PYTHON": dir + "/python"}
		}, true, "NCCL yes", "LIBTORCH_NCCL=yes"},
		{"the system's", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.13.1", newABI)
			return map[string]string{"LATENT_SYSROOT": dir}
		}, true, "1.13.1, the system's", "/usr/lib"},
		{"downloaded", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/build/libtorch/include", dir+"/build/libtorch/lib", "2.5.1", newABI)
			return map[string]string{"LATENT_SYSROOT": dir}
		}, true, "2.5.1, downloaded", "LIBTORCH_VERSION=2.5.1"},
		{"none", func(t *testing.T, dir string) map[string]string {
			return map[string]string{"LATENT_SYSROOT": dir}
		}, false, "set LIBTORCH=DIR or LATENT_PYTHON=python3", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			env := test.setup(t, dir)
			env["LATENT_BUILD"] = dir + "/build"
			out, ok := script(t, env, "find_libtorch.sh")
			if ok != test.ok || !strings.Contains(out, test.says) {
				t.Errorf("ended well: %v, want %v; printed\n%swant %q in it", ok, test.ok, out, test.says)
			}
			if !test.ok && strings.Count(out, "\n") != 1 {
				t.Errorf("a failure must be one line, got\n%s", out)
			}
			file, _ := os.ReadFile(dir + "/build/libtorch.env")
			if !strings.Contains(string(file), test.env) {
				t.Errorf("want %q in libtorch.env:\n%s", test.env, file)
			}
		})
	}
}

// fakeCUDA lays out pip's torch with CUDA 13.0 and what its own wheels bring.
func fakeCUDA(t *testing.T, dir string) {
	fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
	write(t, dir+"/site/torch/include/torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp", "")
	write(t, dir+"/site/torch/lib/libtorch_cuda.so", "")
	write(t, dir+"/site/torch/lib/libc10_cuda.so", "\x00libcudart.so.13\x00")
	write(t, dir+"/site/nvidia/cu13/include/cuda_runtime_api.h", "#define CUDART_VERSION  13000\n")
	write(t, dir+"/site/nvidia/cu13/lib/libcudart.so.13", "")
	write(t, dir+"/site/nvidia/nccl/include/nccl.h", "")
	fakePython(t, dir+"/python", dir+"/site/torch", "2.11.0+cu130")
}

// A choice is told once, and told again when it changes.
func TestFindLibtorchChange(t *testing.T) {
	dir := t.TempDir()
	fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.13.1", newABI)
	fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
	fakePython(t, dir+"/python", dir+"/site/torch", "2.11.0")
	for i, step := range []struct{ python, says string }{
		{"", "1.13.1"}, {"", ""}, {dir + "/python", "2.11.0"}, {dir + "/python", ""}, {"", "1.13.1"},
	} {
		out, ok := script(t, map[string]string{"LATENT_BUILD": dir + "/build", "LATENT_SYSROOT": dir, "LATENT_PYTHON": step.python}, "find_libtorch.sh")
		if !ok || (step.says == "") != (out == "") || !strings.Contains(out, step.says) {
			t.Errorf("step %d: ended well: %v, printed %q, want %q in it", i, ok, out, step.says)
		}
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
		{"fresh", map[string]string{"LIBTORCH_SHA256": right}, 0, false, true, "done", []string{""}},
		{"resumed", map[string]string{"LIBTORCH_SHA256": right}, half, false, true, "done", []string{"bytes=" + strconv.Itoa(half) + "-"}},
		{"server cannot resume", map[string]string{"LIBTORCH_SHA256": right}, half, true, true, "done", []string{"bytes=" + strconv.Itoa(half) + "-", ""}},
		{"fetched, not unpacked", map[string]string{"LIBTORCH_SHA256": right}, file.Len(), false, true, "done", nil},
		{"wrong checksum", map[string]string{"LIBTORCH_SHA256": wrong}, 0, false, false, "has SHA-256 " + right + ", not " + wrong, []string{""}},
		{"pinned checksum", nil, 0, false, false, "has SHA-256 " + right + ", not 618ca54e", []string{""}},
		{"unknown release", map[string]string{"LIBTORCH_RELEASE": "2.6.0"}, 0, false, false, "set LIBTORCH_SHA256=", nil},
		{"no such file", map[string]string{"LIBTORCH_RELEASE": "9.9.9", "LIBTORCH_SHA256": right}, 0, false, false, "curl ended with 22", []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ranges []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				if !strings.HasSuffix(r.URL.Path, "/libtorch-cxx11-abi-shared-with-deps-2.5.1+cpu.zip") {
					http.NotFound(w, r)
				} else if test.rangeOff {
					w.Write(file.Bytes())
				} else {
					http.ServeContent(w, r, "libtorch.zip", time.Time{}, bytes.NewReader(file.Bytes()))
				}
			}))
			defer server.Close()
			build := t.TempDir()
			env := map[string]string{"LATENT_BUILD": build, "LIBTORCH_URL": server.URL, "no_proxy": "127.0.0.1"}
			for k, v := range test.env {
				env[k] = v
			}
			if test.part > 0 {
				write(t, build+"/libtorch-"+right+".part", file.String()[:test.part])
			}
			out, ok := script(t, env, "download.sh")
			if ok != test.ok || !strings.Contains(out, test.says) {
				t.Errorf("ended well: %v, want %v; printed\n%swant %q in it", ok, test.ok, out, test.says)
			}
			if strings.Join(ranges, "|") != strings.Join(test.ranges, "|") || len(ranges) != len(test.ranges) {
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
				if out, ok := script(t, env, "download.sh"); !ok || !strings.Contains(out, "already") || ranges != nil {
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
	write(t, dir+"/obj/src/cgotorch/device.cc", "#include <torch/torch.h>\nextern \"C\" void SetNumThreads() {}\n")
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
		{"fresh", func() {}, "precompile torch/torch.h,compile gotorch/device.cc,compile shim.cc,compile other.cc,link libcgotorch.so"},
		{"again", func() {}, ""},
		{"a header", func() { touch(t, dir+"/torch/native/shim.h") }, "compile shim.cc,link libcgotorch.so"},
		{"a source", func() { touch(t, dir+"/torch/native/other.cc") }, "compile other.cc,link libcgotorch.so"},
		{"a source less", func() { os.Remove(dir + "/torch/native/other.cc") }, "link libcgotorch.so"},
		{"again", func() {}, ""},
	} {
		step.change()
		c := exec.Command("make", "-s", "-f", mk, "CXX=g++", "OBJ=obj", "CXXFLAGS=-std=c++17 -fPIC -fopenmp -Iinclude", "LDLIBS=")
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
