//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Info describes the libtorch in use.
type Info struct {
	Version     string // "1.13.1"
	Path        string // the shared library
	BLAS        string // library, build and the CPU core it chose
	BLASThreads int    // OpenBLAS's own; 0 for a BLAS that uses libtorch's
	Threads     int
	CUDA        bool // a GPU can be used
	CUDADevices int
}

// GetInfo asks libtorch.
func GetInfo() (Info, error) {
	if err := setUp(); err != nil {
		return Info{}, err
	}
	return getInfo()
}

func getInfo() (Info, error) {
	var text *C.char
	if err := failure("info", C.latent_info(&text)); err != nil {
		return Info{}, err
	}
	defer C.latent_free_string(text)
	var i Info
	for line := range strings.Lines(C.GoString(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "version":
			i.Version = value
		case "path":
			i.Path = value
		case "blas":
			i.BLAS = value
		case "blas_threads":
			fmt.Sscan(value, &i.BLASThreads)
		case "threads":
			fmt.Sscan(value, &i.Threads)
		case "cuda":
			i.CUDA = value == "available"
		case "cuda_devices":
			fmt.Sscan(value, &i.CUDADevices)
		}
	}
	return i, nil
}

// Device turns what a user asked for (auto, cpu, cuda, cuda:N) into a device
// that works, or says why it does not.
func Device(name string) (string, error) {
	if name == "" || name == "auto" {
		i, err := GetInfo()
		if err != nil || !i.CUDA {
			return "cpu", err
		}
		return "cuda", nil
	}
	where := C.CString(name)
	defer C.free(unsafe.Pointer(where))
	if err := call("device", func() *C.char { return C.latent_device_check(where) }); err != nil {
		return "", err
	}
	return name, nil
}

// SetTF32 lets CUDA multiply float32 matrices in TF32; off by default.
func SetTF32(on bool) error {
	return call("tf32", func() *C.char { return C.latent_set_tf32(C.bool(on)) })
}

// DefaultThreads is the number of cores this process may run on.
func DefaultThreads() int { return runtime.GOMAXPROCS(0) }

// FastBF16 says whether products in bfloat16 are faster than in float32 on a
// device: CUDA, or a CPU with AVX512-BF16 or AMX under libtorch 2.x.
func FastBF16(device string) bool {
	var yes C.bool
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	return failure("bf16", C.latent_fast_bf16(where, &yes)) == nil && bool(yes)
}
