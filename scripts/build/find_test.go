package build

import (
	"os"
	"strings"
	"testing"
)

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
				"#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define "+
					"TORCH_VERSION_PATCH 0\n")
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
		}, true, "CUDA support: off: crt/host_config.h is missing; ", /* PYTHON -m pip install … */
			"LIBTORCH_CUDA=''"},
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
			fakeLibtorch(t, dir+"/build/libtorch/include", dir+"/build/libtorch/lib", "2.5.1",
				newABI)
			return map[string]string{"LATENT_SYSROOT": dir}
		}, true, "2.5.1, downloaded", "LIBTORCH_VERSION=2.5.1"},
		{"none", func(t *testing.T, dir string) map[string]string {
			return map[string]string{"LATENT_SYSROOT": dir}
		}, false, "set LIBTORCH=DIR or LATENT_PYTHON=python3", ""},
		{"conda's Python", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.13.1", newABI)
			fakeConda(t, dir+"/env")
			fakePython(t, dir+"/env/bin/python", dir+"/env/lib/python3.11/site-packages/torch",
				"2.4.1")
			return map[string]string{"LATENT_PYTHON": dir + "/env/bin/python",
				"LATENT_SYSROOT": dir}
		}, true, "2.4.1, LATENT_PYTHON=", "/env/lib\n"},
		{"a conda environment", func(t *testing.T, dir string) map[string]string {
			fakeConda(t, dir+"/env")
			return map[string]string{"LIBTORCH": dir + "/env"}
		}, true, "2.4.1, LIBTORCH=", "/env/lib\n"},
		{"pip's torch in a conda environment", func(t *testing.T, dir string) map[string]string {
			site := dir + "/env/lib/python3.11/site-packages/torch"
			fakeLibtorch(t, site+"/include", site+"/lib", "2.6.0", newABI)
			write(t, dir+"/env/include/zlib.h", "")
			return map[string]string{"LIBTORCH": dir + "/env"}
		}, true, "2.6.0, LIBTORCH=", "site-packages/torch/lib\n"},
		{"conda, without headers", func(t *testing.T, dir string) map[string]string {
			fakeConda(t, dir+"/env")
			os.RemoveAll(dir + "/env/include")
			fakePython(t, dir+"/env/bin/python", dir+"/env/lib/python3.11/site-packages/torch",
				"2.4.1")
			return map[string]string{"LATENT_PYTHON": dir + "/env/bin/python",
				"LATENT_SYSROOT": dir}
		}, false, "/env/include lacks torch/csrc", ""},
		{"python3 on the PATH", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
			fakePython(t, dir+"/bin/python3", dir+"/site/torch", "2.11.0+cpu")
			return map[string]string{"BIN": dir + "/bin", "LATENT_SYSROOT": dir}
		}, true, "2.11.0+cpu, python3's", "LIBTORCH_VERSION=2.11.0+cpu"},
		{"the system's before python3's", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib64", "2.1.2", newABI)
			fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
			fakePython(t, dir+"/bin/python3", dir+"/site/torch", "2.11.0+cpu")
			return map[string]string{"BIN": dir + "/bin", "LATENT_SYSROOT": dir}
		}, true, "2.1.2, the system's", "/usr/lib64"},
		{"a system's that is too old, python3's",
			func(t *testing.T, dir string) map[string]string {
				fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.8.1", newABI)
				fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "2.11.0", newABI)
				fakePython(t, dir+"/bin/python3", dir+"/site/torch", "2.11.0+cpu")
				return map[string]string{"BIN": dir + "/bin", "LATENT_SYSROOT": dir}
			}, true, "/usr/lib: version 1.8.1 is too old", "LIBTORCH_VERSION=2.11.0+cpu"},
		{"a system's with another ABI, the downloaded one",
			func(t *testing.T, dir string) map[string]string {
				fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "2.1.0", libcxx)
				fakeLibtorch(t, dir+"/build/libtorch/include", dir+"/build/libtorch/lib", "2.5.1",
					newABI)
				return map[string]string{"LATENT_SYSROOT": dir}
			}, true, "skipped: the system's in ", "LIBTORCH_VERSION=2.5.1"},
		{"all too old", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib", "1.8.1", newABI)
			fakeLibtorch(t, dir+"/site/torch/include", dir+"/site/torch/lib", "1.7.0", newABI)
			fakePython(t, dir+"/bin/python3", dir+"/site/torch", "1.7.0")
			return map[string]string{"BIN": dir + "/bin", "LATENT_SYSROOT": dir}
		}, false, "version 1.7.0 is too old", ""},
		{"Fedora's Python package", func(t *testing.T, dir string) map[string]string {
			site := dir + "/usr/lib64/python3.14/site-packages/torch"
			fakeLibtorch(t, site+"/include", site+"/lib", "2.8.0", newABI)
			return map[string]string{"LATENT_SYSROOT": dir}
		}, true, "2.8.0, the system's", "site-packages/torch/lib\n"},
		{"Arch's, headers in /usr/include", func(t *testing.T, dir string) map[string]string {
			fakeLibtorch(t, dir+"/usr/include", dir+"/usr/lib/python3.13/site-packages/torch/lib",
				"2.9.1", newABI)
			return map[string]string{"LATENT_SYSROOT": dir}
		}, true, "2.9.1, the system's", "site-packages/torch/lib\n"},
		{"Fedora without one", release("ID=fedora\n"), false, "dnf install gcc-c++ python3-torch'",
			""},
		{"RHEL without one", release("ID=\"rhel\"\nID_LIKE=\"fedora\"\n"), false, "dnf install",
			""},
		{"Arch without one", release("ID=arch\n"), false, "pacman -S --needed gcc python-pytorch'",
			""},
		{"SUSE without one", release("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n"),
			false, "zypper install gcc-c++', python3 -m venv", ""},
		{"WSL without one", release("ID=ubuntu\nID_LIKE=debian\n"), false,
			"apt-get install -y g++ libtorch-dev", ""},
		{"another Linux without one", release("ID=alpine\n"), false,
			"python3 -m venv ~/torch, ~/torch/bin/pip install torch", ""},
		{"macOS", func(t *testing.T, dir string) map[string]string {
			write(t, dir+"/bin/uname", "#!/bin/sh\necho Darwin\n")
			return map[string]string{"BIN": dir + "/bin"}
		}, false, "training needs Linux (on Windows: WSL); the rest works here too: " +
			"CGO_ENABLED=0 go build ./cmd/latent", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			env := test.setup(t, dir)
			env["LATENT_BUILD"] = dir + "/build"
			out, ok := script(t, env, "find_libtorch.sh")
			if ok != test.ok || !strings.Contains(out, test.says) {
				t.Errorf("ended well: %v, want %v; printed\n%swant %q in it", ok, test.ok, out,
					test.says)
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

// fakeConda lays out conda's torch: the Python package has links to the environment's libraries.
func fakeConda(t *testing.T, prefix string) {
	fakeLibtorch(t, prefix+"/include", prefix+"/lib", "2.4.1", newABI)
	links := prefix + "/lib/python3.11/site-packages/torch/lib"
	if err := os.MkdirAll(links, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"libc10.so", "libtorch.so", "libtorch_cpu.so"} {
		if err := os.Symlink("../../../../"+name, links+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
}

// release lays out a Linux without a libtorch.
func release(text string) func(*testing.T, string) map[string]string {
	return func(t *testing.T, dir string) map[string]string {
		write(t, dir+"/etc/os-release", text)
		return map[string]string{"LATENT_SYSROOT": dir}
	}
}

// Go before 1.21 cannot fetch the release that go.mod names: that is told, in one line, before
// anything is installed.
func TestCheckGo(t *testing.T) {
	for version, ok := range map[string]bool{"go1.19.8": false, "go1.26.0": true, "go1.30": true,
		"go1.26rc1": false} {
		bin := t.TempDir()
		write(t, bin+"/go", "#!/bin/sh\necho "+version+"\n")
		out, ended := script(t, map[string]string{"BIN": bin}, "check_go.sh")
		if ended != ok || !ok &&
			(!strings.Contains(out, version[2:]+" is too old") || strings.Count(out, "\n") != 1) {
			t.Errorf("%s: ended well: %v, printed %q", version, ended, out)
		}
	}
	bin := t.TempDir()
	write(t, bin+"/go",
		"#!/bin/sh\necho 'go: go.mod requires go >= 1.26.0 (running go 1.21.0; "+
			"GOTOOLCHAIN=local)' >&2; exit 1\n")
	if out, ok := script(t, map[string]string{"BIN": bin}, "check_go.sh"); ok ||
		!strings.Contains(out, "GOTOOLCHAIN=local") {
		t.Errorf("ended well: %v, printed %q", ok, out)
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
		{"", "1.13.1"}, {"", ""}, {dir + "/python", "2.11.0"}, {dir + "/python", ""}, {"",
			"1.13.1"},
	} {
		out, ok := script(t,
			map[string]string{"LATENT_BUILD": dir + "/build", "LATENT_SYSROOT": dir,
				"LATENT_PYTHON": step.python}, "find_libtorch.sh")
		if !ok || (step.says == "") != (out == "") || !strings.Contains(out, step.says) {
			t.Errorf("step %d: ended well: %v, printed %q, want %q in it", i, ok, out, step.says)
		}
	}
}
