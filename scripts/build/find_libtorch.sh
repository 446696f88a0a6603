#!/usr/bin/env bash
# Chooses a libtorch and writes build/libtorch.env (shell-readable), against which build_native.sh compiles.
# Order: LIBTORCH (a folder with include/ and lib/); LATENT_PYTHON (that Python's torch); the system's; the one that
# `make libtorch-download` left in build/libtorch; apt, where it may. Nothing else is downloaded, nothing silently.
#
#   CXX              the compiler (default g++)
#   LATENT_BUILD     where to write (default build)
#   LATENT_SYSROOT   put before /usr when the system's libtorch is looked for (tests)
#   LATENT_APT=no    never install packages
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${LATENT_BUILD:-build}
sysroot=${LATENT_SYSROOT:-}
compiler=${CXX:-g++}
torch_h=torch/csrc/api/include/torch/torch.h

say() { echo "libtorch: $*" >&2; }
die() {
	say "$@"
	exit 1
}

trap 'say "find_libtorch.sh failed in line $LINENO"' ERR

may_apt() { [ "${LATENT_APT:-yes}" != no ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
	say "apt installs $* (minutes; what it prints is in $build/apt.log)"
	mkdir -p "$build"
	{
		DEBIAN_FRONTEND=noninteractive apt-get -q update || true
		DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends -o Dpkg::Use-Pty=0 install "$@"
	} >"$build/apt.log" 2>&1
}

# header_version INCLUDE: major.minor.patch from torch's version header, whose place moved in 2.9.
header_version() {
	{ cat "$1"/torch/headeronly/version.h "$1"/torch/csrc/api/include/torch/version.h 2>/dev/null || true; } |
		awk '$1 == "#define" && $2 ~ /^TORCH_VERSION_(MAJOR|MINOR|PATCH)$/ && !seen[$2]++ { v = v s $3; s = "." } END { print v }'
}

# use WHY INCLUDE LIB [VERSION]: checks one libtorch and makes it the choice.
use() {
	why=$1 include=$2 lib=$3 version=${4:-}
	[ -f "$include/$torch_h" ] || die "$why: $include lacks $torch_h; a folder with include/ and lib/ is needed"
	local so
	for so in libc10.so libtorch.so libtorch_cpu.so; do
		[ -f "$lib/$so" ] || die "$why: $lib lacks $so; a folder with include/ and lib/ is needed"
	done
	[ -n "$version" ] || version=$(header_version "$include")
	[[ $version =~ ^([0-9]+)\.([0-9]+) ]] || die "$why: no version can be read in $include/torch"
	((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 1013)) || die "$why: version $version is too old; 1.13 or later is needed"

	# Whether std::string is the new or the old one is read off the library: c10::Error's constructor takes one.
	if grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*NSt7__cxx1112basic_string' "$lib/libc10.so"; then
		abi=1
	elif grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*Ss' "$lib/libc10.so"; then
		abi=0
	else
		die "$why: the ABI of $lib/libc10.so is not libstdc++'s, so $compiler cannot link it"
	fi
}

# use_python PYTHON: torch is found without importing it, which would take seconds.
use_python() {
	local found root
	found=$("$1" -c '
import importlib.util, os, re
root = os.path.dirname(importlib.util.find_spec("torch").origin)
print(root, re.search("__version__ = .([^\x27\"]+)", open(root + "/version.py").read()).group(1), sep="\n")
' 2>/dev/null) || die "LATENT_PYTHON=$1: it does not run or has no torch; install one with '$1 -m pip install torch', or unset LATENT_PYTHON"
	root=${found%$'\n'*}
	root=$(readlink -m "$root")
	if [ -f "$root/lib/libtorch_cpu.so" ] && [ "$(readlink -f "$root/lib/libtorch_cpu.so")" = "$root/lib/libtorch_cpu.so" ]; then
		use "LATENT_PYTHON=$1" "$root/include" "$root/lib" "${found##*$'\n'}"
		nvidia=$(dirname "$root")/nvidia
	else # Debian's python3-torch has links to the system's libtorch
		use_system "LATENT_PYTHON=$1" || die "LATENT_PYTHON=$1: $root has no C++ library; install libtorch-dev, or unset LATENT_PYTHON"
	fi
}

# use_system WHY: false if the system has none.
use_system() {
	local dir base known
	for base in "$sysroot/usr" "$sysroot/usr/local"; do
		for dir in "$base/lib/$(uname -m)-linux-gnu" "$base/lib64" "$base/lib"; do
			[ -f "$dir/libtorch_cpu.so" ] && [ -f "$base/include/$torch_h" ] || continue
			known=
			[ -n "$sysroot" ] || known=$(dpkg-query -W -f '${Version}' libtorch-dev 2>/dev/null || true)
			use "$1" "$base/include" "$dir" "${known%%[+-]*}"
			system=yes
			return 0
		done
	done
	return 1
}

choose() {
	local packages="g++ libtorch-dev libopenblas0-pthread libgloo-dev"
	if [ -n "${LIBTORCH:-}" ]; then
		[ -d "$LIBTORCH" ] || die "LIBTORCH=$LIBTORCH: no such folder"
		LIBTORCH=$(cd "$LIBTORCH" && pwd)
		use "LIBTORCH=$LIBTORCH" "$LIBTORCH/include" "$LIBTORCH/lib"
	elif [ -n "${LATENT_PYTHON:-}" ]; then
		use_python "$LATENT_PYTHON"
	elif use_system "the system's"; then
		:
	elif [ -d "$build/libtorch" ]; then
		local at
		at=$(cd "$build/libtorch" && pwd)
		use "downloaded" "$at/include" "$at/lib"
	elif [ -z "$sysroot" ] && may_apt; then
		# shellcheck disable=SC2086 # a list
		apt_install $packages && use_system "apt installed it" ||
			die "apt could not install $packages (see $build/apt.log); set LIBTORCH=DIR or LATENT_PYTHON=python3, or run 'make libtorch-download'"
	elif command -v apt-get >/dev/null; then
		die "none found; run 'sudo apt-get install -y $packages', or set LIBTORCH=DIR or LATENT_PYTHON=python3, or run 'make libtorch-download'"
	else
		die "none found; set LIBTORCH=DIR or LATENT_PYTHON=python3 (one that has torch), or run 'make libtorch-download'"
	fi
}

# need_packages: a compiler always, a fast BLAS for Debian's libtorch, gloo's headers for training in many processes.
# What is only better to have is tried once, so that a machine without a network does not wait for it in every build.
need_packages() {
	if ! command -v "$compiler" >/dev/null; then
		[ "$compiler" = g++ ] || die "no compiler CXX=$compiler"
		may_apt || die "no C++ compiler; run 'sudo apt-get install -y g++', or name one with CXX="
		apt_install g++ || die "apt could not install g++ (see $build/apt.log); name a C++ compiler with CXX="
	fi
	[ -z "$sysroot" ] && command -v dpkg-query >/dev/null || return 0
	local missing=
	[ -f /usr/include/gloo/algorithm.h ] || missing="libgloo-dev"
	[ -z "$system" ] || dpkg-query -s libopenblas0-pthread >/dev/null 2>&1 || missing="$missing libopenblas0-pthread"
	[ -n "$missing" ] && [ "$missing" != "$(cat "$build/packages.tried" 2>/dev/null)" ] || return 0
	mkdir -p "$build"
	echo "$missing" >"$build/packages.tried"
	# shellcheck disable=SC2086 # a list
	may_apt && apt_install $missing || say "goes on without $missing (for many processes, for speed): sudo apt-get install -y $missing"
}

# cudart_version INCLUDE: 13000 for CUDA 13.0.
cudart_version() { awk '$2 == "CUDART_VERSION" { print $3; exit }' "$1/cuda_runtime_api.h"; }

# find_cuda: a CUDA build of torch is used as one where CUDA's headers are found: beside pip's torch, or a toolkit's.
find_cuda() {
	cuda='' cuda_include='' cudart='' nccl='' cuda_off=''
	[ -f "$lib/libtorch_cuda.so" ] || return 0
	local major dir v runtime='' crt='' target='' dirs=()
	major=$(grep -aom1 'libcudart[-a-z0-9]*\.so\.[0-9]*' "$lib/libc10_cuda.so" | head -n1)
	major=${major##*.so.}
	# A toolkit after pip's wheels: the wheels are of torch's own version.
	for dir in "${nvidia:-/nonexistent}"/*/include ${CUDA_HOME:+"$CUDA_HOME/include"} "/usr/local/cuda-$major"*/include /usr/local/cuda/include; do
		[ -d "$dir" ] || continue
		if [ -f "$dir/cuda_runtime_api.h" ]; then
			v=$(cudart_version "$dir")
			[ -z "$runtime" ] && [ "$((v / 1000))" = "$major" ] || continue
			runtime=$dir cuda=$((v / 1000)).$((v % 1000 / 10))
		fi
		dirs+=("$dir")
		[ ! -d "$dir/cccl" ] || dirs+=("$dir/cccl")
	done
	[ -n "$runtime" ] || {
		cuda_off="no headers of CUDA $major beside torch or in /usr/local/cuda; set CUDA_HOME="
		return 0
	}
	for dir in "${dirs[@]}"; do
		[ ! -f "$dir/crt/host_config.h" ] || crt=yes
		[ ! -f "$dir/nv/target" ] || target=yes
	done
	if [ -z "$crt" ]; then
		local wheel="nvidia-cuda-crt==$cuda.*"
		[ "$major" -ge 13 ] || wheel="nvidia-cuda-nvcc-cu$major==$cuda.*"
		cuda_off="crt/host_config.h is missing; ${LATENT_PYTHON:-python3} -m pip install '$wheel'"
		cuda=
		return 0
	fi
	for dir in "$lib" "${runtime%/include}/lib" "${runtime%/include}/lib64"; do
		cudart=$(find "$dir" -maxdepth 1 -name "libcudart*.so.$major*" -print -quit 2>/dev/null || true)
		[ -z "$cudart" ] || break
	done
	[ -n "$cudart" ] || {
		cuda='' cuda_off="libcudart.so.$major is not beside $runtime"
		return 0
	}
	cuda_include=$(
		IFS=:
		echo "${dirs[*]}"
	)
	[ ! -f "$include/torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp" ] || for dir in "${dirs[@]}"; do
		[ ! -f "$dir/nccl.h" ] || nccl=$target
	done
	[ -n "$nccl" ] || cuda_off="NCCL off: nccl.h or nv/target is missing; ${LATENT_PYTHON:-python3} -m pip install 'nvidia-cuda-cccl==$cuda.*'"
}

system='' nvidia=''
choose
need_packages
find_cuda

gloo=
for dir in "$include" /usr/include; do
	[ ! -f "$dir/gloo/algorithm.h" ] || [ ! -f "$include/torch/csrc/distributed/c10d/ProcessGroupGloo.hpp" ] || gloo=yes
done
blas=bundled
[ -z "$system" ] || [ ! -e "$lib/libblas.so.3" ] || blas=$(readlink -f "$lib/libblas.so.3")

mkdir -p "$build"
{
	echo "# Written by scripts/build/find_libtorch.sh: the libtorch that the native half is built against."
	printf '%s=%q\n' LIBTORCH_VERSION "$version" LIBTORCH_WHY "$why" LIBTORCH_INCLUDE "$include" LIBTORCH_LIB "$lib" \
		LIBTORCH_ABI "$abi" LIBTORCH_BLAS "$blas" LIBTORCH_CUDA "$cuda" LIBTORCH_CUDA_INCLUDE "$cuda_include" \
		LIBTORCH_CUDART "$cudart" LIBTORCH_NCCL "$nccl" LIBTORCH_GLOO "$gloo"
} >"$build/libtorch.env.$$"
if cmp -s "$build/libtorch.env.$$" "$build/libtorch.env"; then
	rm "$build/libtorch.env.$$"
else
	mv "$build/libtorch.env.$$" "$build/libtorch.env"
	say "$version, $why: $lib (C++11 ABI $abi, BLAS $blas, CUDA ${cuda:-off}, gloo ${gloo:-no}, NCCL ${nccl:-no})"
	[ -z "$cuda_off" ] || say "CUDA support: ${cuda:-off}: $cuda_off"
fi
