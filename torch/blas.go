package torch

import (
	"os"
	"strings"

	"golang.org/x/sys/cpu"
)

// BLASCore is the value that the environment variable OPENBLAS_CORETYPE should
// have had when this process started, empty where all is well or the user has
// set one. OpenBLAS takes a CPU newer than itself for the last one it knows, and
// so uses AVX2 kernels on machines with AVX-512: with 0.3.21, Debian 12's, 187
// GFLOP/s where its SkylakeX kernels gave 350. It chooses while it is loaded, so
// that only a new start of the process can mend it.
func BLASCore() string {
	i, err := GetInfo()
	if err != nil || os.Getenv("OPENBLAS_CORETYPE") != "" {
		return ""
	}
	x := cpu.X86
	return betterCore(i.BLAS, x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL)
}

func betterCore(blas string, avx512 bool) string {
	_, core, openblas := strings.Cut(blas, " core ")
	if avx512 && openblas && (core == "Haswell" || core == "Zen") {
		return "SkylakeX"
	}
	return ""
}
