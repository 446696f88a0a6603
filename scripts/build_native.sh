#!/usr/bin/env bash
# Builds build/libcgotorch.so, gotorch's C++ and the shim in one library linked to the chosen libtorch by rpath,
# and beside it the linker scripts libc10.so, libtorch.so and libtorch_cpu.so, which lead gotorch's own
# `-lc10 -ltorch -ltorch_cpu` to it, so that a second libtorch on the machine is never linked by mistake.
# Objects are kept in build/obj/KEY, KEY a hash of libtorch, compiler and flags: going back to an earlier choice compiles nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${LATENT_BUILD:-build}
CXX=${CXX:-g++}

scripts/find_libtorch.sh
# shellcheck source=/dev/null
. "$build/libtorch.env"

gotorch=$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)
if [ -z "$gotorch" ]; then
	echo "native: fetch gotorch" >&2
	go mod download github.com/wangkuiyi/gotorch
	gotorch=$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)
fi

flags="-std=c++17 -fPIC -fopenmp -D_GLIBCXX_USE_CXX11_ABI=$LIBTORCH_ABI"
# -isystem /usr/include would break the compiler's own search order; it is searched anyway.
[ "$LIBTORCH_INCLUDE" = /usr/include ] || flags="$flags -isystem '$LIBTORCH_INCLUDE'"
flags="$flags -isystem '$LIBTORCH_INCLUDE/torch/csrc/api/include'"
libs="-L'$LIBTORCH_LIB' -Wl,-rpath,'$LIBTORCH_LIB' -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10 -Wl,--as-needed"
# One OpenMP runtime in the process: the one that libtorch brings, if it brings one, else the system's.
gomp=$(find "$LIBTORCH_LIB" -maxdepth 1 -name 'libgomp*.so*' -print -quit 2>/dev/null || true)
libs="$libs ${gomp:+'$gomp'} -ldl"

key=$(
	{
		echo "$flags $libs $gotorch $LIBTORCH_VERSION"
		"$CXX" --version
		stat -L -c '%s %Y' "$LIBTORCH_LIB/libtorch_cpu.so"
		cat scripts/native.mk
	} | sha256sum | cut -c1-16
)
obj=$build/obj/$key
mkdir -p "$obj/gotorch" "$obj/shim"
ln -sfn "$gotorch" "$obj/src"

make -f scripts/native.mk --no-print-directory -s -j"$(nproc)" \
	CXX="$CXX" OBJ="$obj" CXXFLAGS="$flags -Iinternal/torch/native -I$obj/src" LDLIBS="$libs"

# put NAME: moves a finished file in place only where it differs, so that nothing downstream is redone.
put() {
	if cmp -s "$build/$1.tmp" "$build/$1"; then rm "$build/$1.tmp"; else mv "$build/$1.tmp" "$build/$1"; fi
}
cp "$obj/libcgotorch.so" "$build/libcgotorch.so.tmp" && put libcgotorch.so
for name in libc10 libtorch libtorch_cpu; do
	echo 'INPUT( -lcgotorch )' >"$build/$name.so.tmp" && put "$name.so"
done
