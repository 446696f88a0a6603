#!/usr/bin/env bash
# Chooses a libtorch and writes build/libtorch.env (shell-readable), which build_native.sh compiles against.
# Order: LIBTORCH (a folder with include/ and lib/); LATENT_PYTHON (that Python's torch); the system's;
# one that `make libtorch-download` left in build/libtorch; apt, where it may. Nothing is downloaded silently.
#
# LATENT_BUILD     where to write (default: build)
# LATENT_SYSROOT   prefix of /usr for the system's libtorch (tests)
# LATENT_APT=no    never install packages
set -euo pipefail
cd "$(dirname "$0")/.."
build=${LATENT_BUILD:-build}
sysroot=${LATENT_SYSROOT:-}
packages="g++ libtorch-dev libopenblas0-pthread libgloo-dev"

say() { echo "libtorch: $*" >&2; }
die() { say "$@"; exit 1; }

# may_apt: whether this user may install Debian packages without being asked for anything.
may_apt() {
	[ "${LATENT_APT:-yes}" != no ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

apt_install() {
	say "installing with apt: $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update >&2 || say "apt-get update failed; trying with the package lists at hand"
	apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" >&2 ||
		die "apt could not install: $*; install them by hand, or name a libtorch with LIBTORCH= or LATENT_PYTHON="
}

# header_version INCLUDE: major.minor.patch out of torch's version header (its place moved in 2.9).
header_version() {
	cat "$1"/torch/headeronly/version.h "$1"/torch/csrc/api/include/torch/version.h 2>/dev/null |
		awk '$1 == "#define" && $2 ~ /^TORCH_VERSION_(MAJOR|MINOR|PATCH)$/ && !seen[$2]++ { v = v s $3; s = "." } END { print v }'
}

# use_folder WHY INCLUDE LIB [VERSION]: checks one libtorch and makes it the choice.
use_folder() {
	why=$1 include=$2 lib=$3
	[ -f "$include/torch/csrc/api/include/torch/torch.h" ] ||
		die "$why: $include holds no torch/csrc/api/include/torch/torch.h; name a folder with include/ and lib/"
	local so
	for so in libc10 libtorch libtorch_cpu; do
		[ -f "$lib/$so.so" ] || die "$why: $lib holds no $so.so; name a folder with include/ and lib/"
	done
	version=${4:-$(header_version "$include")}
	[[ $version =~ ^([0-9]+)\.([0-9]+) ]] || die "$why: cannot read the version from $include/torch"
	((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 1013)) ||
		die "$why: libtorch $version is too old; 1.13 or later is needed"

	# The C++ ABI is read off the library itself: c10::Error's constructor takes a std::string.
	if grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*NSt7__cxx1112basic_string' "$lib/libc10.so"; then
		abi=1
	elif grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*Ss' "$lib/libc10.so"; then
		abi=0
	else
		die "$why: $lib/libc10.so has neither libstdc++ ABI; it was not built with GCC's C++ library"
	fi
}

from_python() {
	local found
	found=$("$1" - <<-'PY' 2>/dev/null
		import importlib.util, os, re
		spec = importlib.util.find_spec("torch")
		root = os.path.dirname(spec.origin)
		text = open(os.path.join(root, "version.py")).read()
		version = re.search(r"__version__ = '([^']+)'", text).group(1)
		print(root, version, sep="\n")
	PY
	) || die "LATENT_PYTHON=$1 cannot run or has no torch; install it there ('$1 -m pip install torch') or unset LATENT_PYTHON"
	local root=${found%$'\n'*} python_version=${found##*$'\n'}
	if [ ! -d "$root/include" ] && [ -f "$root/../../../libtorch_cpu.so" ] || [ ! -f "$root/lib/libtorch_cpu.so" ]; then
		# Distribution packages keep the library outside the Python module.
		from_system "LATENT_PYTHON=$1" || die "LATENT_PYTHON=$1: its torch in $root has no C++ part; install libtorch-dev or use pip's torch"
		return
	fi
	use_folder "LATENT_PYTHON=$1" "$root/include" "$root/lib" "$python_version"
	nvidia=$(dirname "$root")/nvidia
}

# from_system [WHY]: fails quietly when the system has none.
from_system() {
	local dir
	for dir in "$sysroot/usr/lib/$(uname -m)-linux-gnu" "$sysroot/usr/lib64" "$sysroot/usr/lib" "$sysroot/usr/local/lib"; do
		[ -f "$dir/libtorch_cpu.so" ] || continue
		local base=$sysroot/usr
		[[ $dir == */local/* ]] && base=$sysroot/usr/local
		[ -f "$base/include/torch/csrc/api/include/torch/torch.h" ] || continue
		local v=
		[ -n "$sysroot" ] || v=$(dpkg-query -W -f '${Version}' libtorch-dev 2>/dev/null || true)
		use_folder "${1:-the system has it}" "$base/include" "$dir" "${v%%[+-]*}"
		system=1
		return 0
	done
	return 1
}

choose() {
	system= nvidia=
	if [ -n "${LIBTORCH:-}" ]; then
		[ -d "$LIBTORCH" ] || die "LIBTORCH=$LIBTORCH is no folder"
		local at
		at=$(cd "$LIBTORCH" && pwd)
		use_folder "LIBTORCH=$LIBTORCH" "$at/include" "$at/lib"
	elif [ -n "${LATENT_PYTHON:-}" ]; then
		from_python "$LATENT_PYTHON"
	elif from_system; then :
	elif [ -d "$build/libtorch/lib" ]; then
		use_folder "make libtorch-download fetched it" "$PWD/$build/libtorch/include" "$PWD/$build/libtorch/lib"
	elif [ -z "$sysroot" ] && may_apt; then
		# shellcheck disable=SC2086
		apt_install $packages
		from_system "apt installed it" || die "apt installed libtorch-dev, but no libtorch is in /usr/lib; name one with LIBTORCH= or LATENT_PYTHON="
	elif command -v apt-get >/dev/null; then
		die "none found; run 'sudo apt-get install -y $packages', or set LIBTORCH=DIR or LATENT_PYTHON=python3, or run 'make libtorch-download'"
	else
		die "none found; set LIBTORCH=DIR or LATENT_PYTHON=python3 (a Python with torch), or run 'make libtorch-download'"
	fi
}

# need_compiler: g++ for any libtorch, and a fast BLAS and gloo's headers for Debian's.
need_compiler() {
	local missing=
	command -v "${CXX:-g++}" >/dev/null || missing="g++"
	if [ -n "$system" ] && [ -z "$sysroot" ] && command -v dpkg-query >/dev/null; then
		local p
		for p in libopenblas0-pthread libgloo-dev; do
			[ -n "$(dpkg-query -W -f '${Version}' "$p" 2>/dev/null)" ] || missing="$missing $p"
		done
	fi
	[ -n "$missing" ] || return 0
	if may_apt; then
		# shellcheck disable=SC2086
		apt_install $missing
	elif command -v "${CXX:-g++}" >/dev/null; then
		say "goes on without$missing; better: sudo apt-get install -y$missing"
	else
		die "no C++ compiler '${CXX:-g++}'; run 'sudo apt-get install -y $missing'"
	fi
}

choose
need_compiler

cuda= blas=bundled gloo=
if [ -f "$lib/libtorch_cuda.so" ]; then
	cuda=yes
fi
[ -z "$system" ] || blas=$(readlink -f "$lib/libblas.so.3" 2>/dev/null || echo unknown)
[ ! -f /usr/include/gloo/algorithm.h ] || gloo=/usr/include

mkdir -p "$build"
{
	echo "# Written by scripts/find_libtorch.sh; the libtorch that the native half is built against."
	printf '%s=%q\n' LIBTORCH_WHY "$why" LIBTORCH_VERSION "$version" LIBTORCH_INCLUDE "$include" LIBTORCH_LIB "$lib" \
		LIBTORCH_ABI "$abi" LIBTORCH_CUDA "$cuda" LIBTORCH_NVIDIA "$nvidia" LIBTORCH_BLAS "$blas" LIBTORCH_GLOO "$gloo"
} >"$build/libtorch.env.tmp"
if cmp -s "$build/libtorch.env.tmp" "$build/libtorch.env"; then
	rm "$build/libtorch.env.tmp"
else
	mv "$build/libtorch.env.tmp" "$build/libtorch.env"
	say "$version in $lib (C++11 ABI $abi, CUDA ${cuda:-no}, BLAS $blas): $why"
fi
