//go:build linux && cgo

package torch

// The one place with cgo flags. `make` puts libcgotorch.so, gotorch's C++ and the shim in native/
// linked to the chosen libtorch, into build/ (see scripts/build/native.sh), so that plain
// `go build` and `go test` need nothing more. bin/latent finds it also in a checkout that moved.
// In Go's module cache there is no build/: `make install` puts the same into
// /usr/local/lib/latent. Below another PREFIX it is found with
// CGO_LDFLAGS="-LPREFIX/lib/latent -Wl,-rpath,PREFIX/lib/latent".

// #cgo CFLAGS: -I${SRCDIR}/native
// #cgo LDFLAGS: -L${SRCDIR}/../build -Wl,-rpath,${SRCDIR}/../build
// #cgo LDFLAGS: -Wl,-rpath,$ORIGIN/../build -Wl,--allow-shlib-undefined
// #cgo LDFLAGS: -L/usr/local/lib/latent -Wl,-rpath,/usr/local/lib/latent
// #if !__has_include("../../build/libcgotorch.so") && \
//	!__has_include("/usr/local/lib/latent/libcgotorch.so")
// #warning "torch's native half is neither in build/ nor in /usr/local/lib/latent: \
// run `make` in a checkout, or `make install`, \
// or name where it is installed: CGO_LDFLAGS='-LPREFIX/lib/latent -Wl,-rpath,PREFIX/lib/latent'"
// #endif
import "C"
