//go:build linux && cgo

package torch

// The one place with cgo flags. `make` puts libcgotorch.so, gotorch's C++ and the shim in native/ linked to the
// chosen libtorch, into build/ (see scripts/build/native.sh), so that plain `go build` and `go test` need nothing more.

// #cgo CFLAGS: -I${SRCDIR}/native
// #cgo LDFLAGS: -L${SRCDIR}/../build -Wl,-rpath,${SRCDIR}/../build -Wl,--allow-shlib-undefined
import "C"
