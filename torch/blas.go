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
// an old one. 0.3.21, Debian 12's, uses AVX2 kernels on some machines with AVX-512 (187 GFLOP/s
// on two cores of an AMD Zen 4, 350 with its SkylakeX kernels), and SSE3's on an Intel
// Emerald Rapids (55 GFLOP/s on one core, and 245).
func fitBLAS() error {
	i, err := getInfo()
	if err != nil || os.Getenv("OPENBLAS_CORETYPE") != "" {
		return err
	}
	core := betterCore(i.BLAS, vectors())
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

// What the products of a CPU, or of a set of kernels, are computed with.
const (
	older  = iota // SSE or AVX, or another architecture
	avx2          // AVX2 and FMA
	avx512        // AVX-512 as in Skylake's servers
)

// vectors is what this CPU has.
func vectors() int {
	x := cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL:
		return avx512
	case x.HasAVX2 && x.HasFMA:
		return avx2
	}
	return older
}

// betterCore is the set of OpenBLAS's kernels that makes better use of the vectors than the
// one which blas, of Info, ends in; "" where there is none.
func betterCore(blas string, vectors int) string {
	_, core, openblas := strings.Cut(blas, " core ")
	uses := older
	switch core {
	case "Haswell", "Zen", "Excavator":
		uses = avx2
	case "SkylakeX", "Cooperlake", "SapphireRapids":
		uses = avx512
	}
	switch {
	case !openblas || uses >= vectors:
		return ""
	case vectors == avx512:
		return "SkylakeX"
	}
	return "Haswell"
}
