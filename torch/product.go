//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Product sets dst (m x n) to A·Bᵀ for A (m x k) and B (n x k), all row-major:
// libtorch's matrix product for packages that know nothing of tensors. It may be
// called by several goroutines at once.
func Product(dst, a, b []float32, m, n, k int) error {
	if m < 1 || n < 1 || k < 1 || len(dst) < m*n || len(a) < m*k || len(b) < n*k {
		return fmt.Errorf("torch: product: %d, %d and %d values do not hold %d x %d, %d x %d "+
			"and %d x %d",
			len(dst), len(a), len(b), m, n, m, k, n, k)
	}
	return call("product", func() *C.char {
		return C.latent_product((*C.float)(unsafe.SliceData(dst)), (*C.float)(unsafe.SliceData(a)),
			(*C.float)(unsafe.SliceData(b)), C.int64_t(m), C.int64_t(n), C.int64_t(k))
	})
}
