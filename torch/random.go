//go:build linux && cgo

package torch

// #include "native/shim.h"
import "C"

import "unsafe"

// ManualSeed is torch.manual_seed: it seeds the default generators of all devices.
// (gotorch's takes the same number; this one returns what goes wrong.)
func ManualSeed(seed int64) error {
	return call("manual_seed", func() *C.char {
		return C.latent_manual_seed(C.uint64_t(seed))
	})
}

// RandomInt64 is torch.empty((), dtype=torch.int64).random_().item(): one draw
// in [0, 2^63) from the default generator.
func RandomInt64() (int64, error) {
	var v C.int64_t
	err := call("random_", func() *C.char {
		return C.latent_random_int64(&v)
	})
	return int64(v), err
}

// RandPerm is torch.randperm(n) on the default generator.
func RandPerm(n int) ([]int64, error) {
	p := make([]int64, max(n, 0))
	err := call("randperm", func() *C.char {
		return C.latent_randperm(C.int64_t(n), (*C.int64_t)(unsafe.SliceData(p)))
	})
	return p, err
}

// RandPermSeeded is torch.randperm(n, generator=g) with g.manual_seed(seed).
func RandPermSeeded(n int, seed int64) ([]int64, error) {
	p := make([]int64, max(n, 0))
	err := call("randperm", func() *C.char {
		return C.latent_randperm_seeded(C.int64_t(n), C.uint64_t(seed),
			(*C.int64_t)(unsafe.SliceData(p)))
	})
	return p, err
}

// RNGState is torch.get_rng_state: the default CPU generator's state (5,056 bytes).
func RNGState() ([]byte, error) {
	state := make([]byte, 16384)
	var n C.int64_t
	err := call("get_rng_state", func() *C.char {
		return C.latent_get_rng_state((*C.uint8_t)(unsafe.SliceData(state)),
			C.int64_t(len(state)), &n)
	})
	return state[:n], err
}

// SetRNGState is torch.set_rng_state.
func SetRNGState(state []byte) error {
	return call("set_rng_state", func() *C.char {
		return C.latent_set_rng_state((*C.uint8_t)(unsafe.SliceData(state)),
			C.int64_t(len(state)))
	})
}
