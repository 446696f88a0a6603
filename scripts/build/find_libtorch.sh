#!/usr/bin/env bash
# Chooses a libtorch and writes build/libtorch.env (shell-readable), against which native.sh compiles.
# Order: LIBTORCH (a folder with include/ and lib/, such as $CONDA_PREFIX); LATENT_PYTHON (that Python's torch); the system's;
# the one that `make libtorch-download` left in build/libtorch; the torch of the python3 on the PATH; apt, where it may.
# Nothing else is downloaded, nothing silently. One that was not asked for and does not fit is named and skipped.
#
#   CXX              the compiler (default g++)
#   LATENT_BUILD     where to write (default build)
#   LATENT_SYSROOT   the root of another system, whose libtorch is looked for (with CXX a cross compiler; tests)
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

[ "$(uname -s)" = Linux ] ||
	die "training needs Linux (on Windows: WSL); the rest works here too: CGO_ENABLED=0 go build ./cmd/latent"
trap 'say "find_libtorch.sh failed in line $LINENO"' ERR

# How to become root for a command that is printed.
sudo='sudo '
[ "$(id -u)" != 0 ] || sudo=

may_apt() { [ "${LATENT_APT:-yes}" != no ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_update() { DEBIAN_FRONTEND=noninteractive apt-get -q update >"$build/apt.log" 2>&1 || true; }

apt_install() {
	say "apt installs $* (minutes; what it prints is in $build/apt.log)"
	DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" >>"$build/apt.log" 2>&1
}

# apt_has PACKAGE: the version that apt would install, without Debian's suffix.
apt_has() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p'; }

# new_enough VERSION
new_enough() { [[ $1 =~ ^([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 1013)); }

# header_version INCLUDE: major.minor.patch from torch's version header, whose place moved in 2.9.
header_version() {
	{ cat "$1"/torch/headeronly/version.h "$1"/torch/csrc/api/include/torch/version.h 2>/dev/null || true; } |
		awk '$1 == "#define" && $2 ~ /^TORCH_VERSION_(MAJOR|MINOR|PATCH)$/ && !seen[$2]++ { v = v s $3; s = "." } END { print v }'
}

# check WHY INCLUDE LIB [VERSION]: makes one libtorch the choice; false, with the reason in unfit, if it does not fit.
check() {
	why=$1 include=$2 lib=$3 version=${4:-}
	unfit=
	if [ ! -f "$include/$torch_h" ]; then
		unfit="$include lacks $torch_h; a folder with include/ and lib/ is needed"
		return 1
	fi
	local so
	for so in libc10.so libtorch.so libtorch_cpu.so; do
		if [ ! -f "$lib/$so" ]; then
			unfit="$lib lacks $so; a folder with include/ and lib/ is needed"
			return 1
		fi
	done
	[ -n "$version" ] || version=$(header_version "$include")
	if [[ ! $version =~ ^[0-9]+\.[0-9]+ ]]; then
		unfit="no version can be read in $include/torch"
	elif ! new_enough "$version"; then
		unfit="version $version is too old; 1.13 or later is needed"
	# Whether std::string is the new or the old one is read off the library: c10::Error's constructor takes one.
	elif grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*NSt7__cxx1112basic_string' "$lib/libc10.so"; then
		abi=1
	elif grep -aq '_ZN3c105ErrorC[12]E[A-Za-z0-9_]*Ss' "$lib/libc10.so"; then
		abi=0
	else
		unfit="the ABI of $lib/libc10.so is not libstdc++'s, so $compiler cannot link it"
	fi
	[ -z "$unfit" ]
}

# must WHY ...: check one that was asked for.
must() { check "$@" || die "$1: $unfit"; }

# may WHY ...: check one that was found; one that does not fit is skipped.
skipped=()
may() { check "$@" || skip "$1 in $3: $unfit"; }

# skip REASON: false.
skip() {
	skipped+=("$1")
	return 1
}

# told: what was skipped, for the line that says what was chosen, or that there is none.
told() {
	[ ${#skipped[@]} = 0 ] || printf '; skipped: %s' "${skipped[@]}"
}

# find_python PYTHON: where its torch lies, and the version; false if it has none. torch is found without importing it,
# which would take seconds.
find_python() {
	"$1" -c '
import importlib.util, os, re
root = os.path.dirname(importlib.util.find_spec("torch").origin)
print(root, re.search("__version__ = .([^\x27\"]+)", open(root + "/version.py").read()).group(1), sep="\n")
' 2>/dev/null
}

# use_python CHECK WHY PYTHON: CHECK is must or may; false, without a reason, if that Python has no torch.
use_python() {
	local found root at
	found=$(find_python "$3") || return 1
	root=$(readlink -m "${found%$'\n'*}")
	at=$(readlink -m "$root/lib/libtorch_cpu.so")
	if [ "$at" = "$root/lib/libtorch_cpu.so" ] && [ -f "$at" ]; then
		"$1" "$2" "$root/include" "$root/lib" "${found##*$'\n'}" || return
		nvidia=$(dirname "$root")/nvidia
	elif [ "${at%/lib/*}" != "${root%/lib/*}" ] || [ ! -f "${at%/*}/libtorch_cpu.so" ] ||
		[ "${at%/lib/*}" = "$sysroot/usr" ]; then
		# Debian's has links to the system's libtorch.
		use_system "$1" "$2" || "no_$1" "$2" "$root has no C++ library; install libtorch-dev"
	else # conda's has links to the environment's lib/
		local headers=$root/include
		[ -f "$headers/$torch_h" ] || headers=${at%/lib/*}/include
		"$1" "$2" "$headers" "${at%/*}" "${found##*$'\n'}"
	fi
}
no_must() { die "$1: $2"; }
no_may() { skip "$1: $2"; }

# use_system CHECK WHY: false if the system has none that fits.
use_system() {
	local dir base headers known machine
	machine=$("$compiler" -dumpmachine 2>/dev/null || uname -m)
	machine=${machine%%-*}
	for base in "$sysroot/usr" "$sysroot/usr/local"; do
		# Debian, Fedora and SUSE, Arch; the last two patterns are the Python packages of Fedora, SUSE and Arch.
		for dir in "$base/lib/$machine-linux-gnu" "$base/lib64" "$base/lib" "$base"/lib{64,}/python3*/site-packages/torch/lib; do
			[ -f "$dir/libtorch_cpu.so" ] || continue
			for headers in "${dir%/*}/include" "$base/include"; do
				[ -f "$headers/$torch_h" ] || continue
				known=
				[ -n "$sysroot" ] || [ "$headers" != /usr/include ] ||
					known=$(dpkg-query -W -f '${Version}' libtorch-dev 2>/dev/null || true)
				"$1" "$2" "$headers" "$dir" "${known%%[+-]*}" || break
				system=yes
				return 0
			done
		done
	done
	return 1
}

# advice: how to get one here.
advice() {
	local like='' pip="python3 -m venv ~/torch, ~/torch/bin/pip install torch, and 'make LATENT_PYTHON=~/torch/bin/python'"
	[ ! -f "$sysroot/etc/os-release" ] || like=" $(sed -n 's/^ID\(_LIKE\)\?=//p' "$sysroot/etc/os-release" | tr '"\n' '  ') "
	case $like in
	*" debian "* | *" ubuntu "*)
		if [ -z "$sysroot" ] && ! new_enough "$(apt_has libtorch-dev)"; then
			echo "this release packages none that is new enough: run '${sudo}apt-get install -y g++ python3-venv', $pip"
		else
			echo "run '${sudo}apt-get install -y $packages'"
		fi
		;;
	*" fedora "*) echo "run '${sudo}dnf install gcc-c++ python3-torch'" ;;
	*" arch "*) echo "run '${sudo}pacman -S --needed gcc python-pytorch'" ;;
	*" suse "* | *" opensuse "*) echo "run '${sudo}zypper install gcc-c++', $pip" ;;
	*) echo "install a C++ compiler, and torch: $pip" ;;
	esac
}

packages="g++ libtorch-dev libopenblas0-pthread libgloo-dev"

choose() {
	mkdir -p "$build"
	if [ -n "${LIBTORCH:-}" ]; then
		[ -d "$LIBTORCH" ] || die "LIBTORCH=$LIBTORCH: no such folder"
		LIBTORCH=$(cd "$LIBTORCH" && pwd)
		local dir headers=$LIBTORCH/include libs=$LIBTORCH/lib
		# A conda environment may hold pip's torch.
		for dir in "$LIBTORCH"/lib/python3*/site-packages/torch; do
			[ ! -f "$dir/include/$torch_h" ] || [ -f "$headers/$torch_h" ] || headers=$dir/include
			[ ! -f "$dir/lib/libtorch_cpu.so" ] || [ -f "$libs/libtorch_cpu.so" ] || libs=$dir/lib
		done
		must "LIBTORCH=$LIBTORCH" "$headers" "$libs"
		return
	fi
	if [ -n "${LATENT_PYTHON:-}" ]; then
		use_python must "LATENT_PYTHON=$LATENT_PYTHON" "$LATENT_PYTHON" ||
			die "LATENT_PYTHON=$LATENT_PYTHON: it does not run or has no torch; install one with '$LATENT_PYTHON -m pip install torch', or unset LATENT_PYTHON"
		return
	fi
	use_system may "the system's" && return
	if [ -d "$build/libtorch" ]; then
		local at
		at=$(cd "$build/libtorch" && pwd)
		may "downloaded" "$at/include" "$at/lib" && return
	fi
	use_python may "python3's" python3 && return
	if [ -z "$sysroot" ] && may_apt; then
		apt_update
		if new_enough "$(apt_has libtorch-dev)"; then
			# shellcheck disable=SC2086 # a list
			apt_install $packages && use_system may "apt installed it" && return
			die "apt could not install $packages (see $build/apt.log); set LIBTORCH=DIR or LATENT_PYTHON=python3, or run 'make libtorch-download'$(told)"
		fi
	fi
	die "none found: $(advice); or set LIBTORCH=DIR or LATENT_PYTHON=python3, or run 'make libtorch-download'$(told)"
}

# need_packages: a compiler always, a fast BLAS for Debian's libtorch, gloo's headers for training in many processes.
# What is only better to have is tried once, so that a machine without a network does not wait for it in every build.
need_packages() {
	if ! command -v "$compiler" >/dev/null; then
		[ "$compiler" = g++ ] || die "no compiler CXX=$compiler"
		may_apt || die "no C++ compiler; run '${sudo}apt-get install -y g++' (or your system's), or name one with CXX="
		apt_update
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
	may_apt && apt_update && apt_install $missing || say "goes on without $missing (for many processes, for speed): ${sudo}apt-get install -y $missing"
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
for dir in "$include" "$sysroot/usr/include"; do
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
	say "$version, $why: $lib (C++11 ABI $abi, BLAS $blas, CUDA ${cuda:-off}, gloo ${gloo:-no}, NCCL ${nccl:-no})$(told)"
	[ -z "$cuda_off" ] || say "CUDA support: ${cuda:-off}: $cuda_off"
fi
