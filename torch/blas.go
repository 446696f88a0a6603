//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/shim.h"
import "C"

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// fitBLAS gives OpenBLAS the kernels that fit this CPU, unless the environment
// variable OPENBLAS_CORETYPE names some. OpenBLAS takes a CPU newer than itself for
// the last one it knows, and so uses AVX2 kernels on machines with AVX-512: with
// 0.3.21, Debian 12's, 187 GFLOP/s where its SkylakeX kernels gave 350.
func fitBLAS() error {
	i, err := getInfo()
	if err != nil || os.Getenv("OPENBLAS_CORETYPE") != "" {
		return err
	}
	core := betterCore(i.BLAS, avx512())
	if core == "" {
		return nil
	}
	return setBLASCore(core)
}

func setBLASCore(core string) error {
	name := C.CString(core)
	defer C.free(unsafe.Pointer(name))
	return failure("blas", C.latent_set_blas_core(name))
}

func avx512() bool {
	x := cpu.X86
	return x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL
}

func betterCore(blas string, avx512 bool) string {
	_, core, openblas := strings.Cut(blas, " core ")
	if avx512 && openblas && (core == "Haswell" || core == "Zen") {
		return "SkylakeX"
	}
	return ""
}
