#!/usr/bin/env bash
# Builds build/libcgotorch.so: gotorch's C++ and the shim in one library, linked to the chosen libtorch by rpath.
# Beside it lie the linker scripts libc10.so, libtorch.so and libtorch_cpu.so, which lead gotorch's own
# `-lc10 -ltorch -ltorch_cpu` to it, so that a second libtorch on the machine is never linked by mistake.
# Objects are kept in build/obj/KEY, KEY a hash of libtorch, compiler and flags: going back to an earlier choice
# compiles nothing. Environment: as find_libtorch.sh. With LATENT_SYSROOT=DIR and CXX=aarch64-linux-gnu-g++ it compiles for an
# arm64 system that is unpacked there (scripts/test/arm64.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
export LATENT_BUILD=${LATENT_BUILD:-build}
build=$LATENT_BUILD
CXX=${CXX:-g++}
unset MAKEFLAGS MFLAGS MAKEOVERRIDES # the make below is no part of one that may have called this
mkdir -p "$build"
exec 9>"$build/lock"
flock 9 # two builds at a time would write the same objects

scripts/build/find_libtorch.sh
# shellcheck source=/dev/null
. "$build/libtorch.env"

gotorch=$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)
if [ -z "$gotorch" ]; then
	echo "native: fetch gotorch" >&2
	go mod download github.com/wangkuiyi/gotorch
	gotorch=$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)
fi

# The version is handed over, since Debian's 1.13.1 calls itself 1.13.0 in its header.
flags="-std=c++17 -fPIC -fopenmp -D_GLIBCXX_USE_CXX11_ABI=$LIBTORCH_ABI -DLATENT_LIBTORCH_VERSION='\"$LIBTORCH_VERSION\"'"
libs="-ltorch_cpu -lc10"
rpath="-Wl,-rpath,'$LIBTORCH_LIB'"
# -isystem /usr/include would break the compiler's own search order; it is searched anyway.
usr_include=${LATENT_SYSROOT:-}/usr/include
[ -z "${LATENT_SYSROOT:-}" ] || flags="$flags '--sysroot=$LATENT_SYSROOT'" libs="'--sysroot=$LATENT_SYSROOT' $libs"
[ "$LIBTORCH_INCLUDE" = "$usr_include" ] || flags="$flags -isystem '$LIBTORCH_INCLUDE'"
flags="$flags -isystem '$LIBTORCH_INCLUDE/torch/csrc/api/include'"
[ -z "$LIBTORCH_GLOO$LIBTORCH_NCCL" ] || flags="$flags -DUSE_DISTRIBUTED"
[ -z "$LIBTORCH_GLOO" ] || flags="$flags -DLATENT_GLOO -DUSE_C10D_GLOO"
[ -z "$LIBTORCH_NCCL" ] || flags="$flags -DLATENT_NCCL -DUSE_C10D_NCCL"
if [ -n "$LIBTORCH_CUDA" ]; then
	flags="$flags -DLATENT_CUDA -DWITH_CUDA -isystem '${LIBTORCH_CUDA_INCLUDE//:/\' -isystem \'}'"
	libs="$libs -ltorch_cuda -lc10_cuda '$LIBTORCH_CUDART'"
	rpath="$rpath -Wl,-rpath,'$(dirname "$LIBTORCH_CUDART")'"
fi
# One OpenMP runtime in the process: libtorch's own where it brings one, else the compiler's.
gomp=$(find "$LIBTORCH_LIB" -maxdepth 1 -name 'libgomp*.so*' -print -quit)
[ "$LIBTORCH_INCLUDE" = "$usr_include" ] || [ -z "$gomp" ] || libs="$libs '$gomp'"
libs="-L'$LIBTORCH_LIB' $rpath -Wl,--no-as-needed $libs -Wl,--as-needed -ldl"

key=$({
	echo "$flags $libs $gotorch $LIBTORCH_VERSION"
	"$CXX" --version
	stat -L -c '%s %Y' "$LIBTORCH_LIB/libtorch_cpu.so"
	cat scripts/build/native.mk
} | sha256sum | cut -c1-16)
obj=$build/obj/$key
mkdir -p "$obj/gotorch" "$obj/shim"
touch "$obj"
ln -sfn "$gotorch" "$obj/src"
ln -sfn "$PWD/torch" "$obj/torch"
find "$build/obj" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -rd '\n' rm -rf

# A compilation takes about 1 GiB.
jobs=$(awk -v n="$(nproc)" '/^MemTotal/ { m = int($2 / 1.5e6); print m < 1 ? 1 : m < n ? m : n }' /proc/meminfo)
# In the object folder, as make knows no names with spaces.
make -C "$obj" -f "$PWD/scripts/build/native.mk" --no-print-directory -s -j"$jobs" \
	CXX="$CXX" OBJ=. CXXFLAGS="$flags -Itorch/native -Isrc" LDLIBS="$libs" >&2 9>&-

# put NAME: what comes on stdin becomes build/NAME, in one step, and only if it differs.
put() {
	cat >"$build/$1.tmp"
	if cmp -s "$build/$1.tmp" "$build/$1"; then rm "$build/$1.tmp"; else mv "$build/$1.tmp" "$build/$1"; fi
}
put libcgotorch.so <"$obj/libcgotorch.so"
for name in libc10.so libtorch.so libtorch_cpu.so; do
	echo 'INPUT( -lcgotorch )' | put "$name"
done
# Names this native half, for what depends on it without linking it in.
sha256sum <"$build/libcgotorch.so" | cut -c1-16 | put native.id
