#!/usr/bin/env bash
# arm64.sh [PACKAGE[:TEST]...]: the native half on arm64, without such a machine: unpacks Debian's arm64 libtorch, compiles
# with Debian's cross compiler (g++-aarch64-linux-gnu) and runs tests under qemu (default: autoenc's goldens from
# PyTorch, of training the first ten steps; autoenc:FirstEpoch is the whole epoch, which took more than an hour).
# Needs no root; apt downloads 300 MB, and all takes 2 GB; the emulated tests take about five minutes of one processor.
#   ARM64    the folder of it all, kept and used again (default: a temporary one)
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- "autoenc:InitialWeights|OrderIs|FirstSteps"
for tool in aarch64-linux-gnu-g++ apt-get; do
	command -v "$tool" >/dev/null || {
		echo "arm64: $tool is needed (Debian: g++-aarch64-linux-gnu)" >&2
		exit 1
	}
done
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || {
	echo "arm64: qemu-aarch64 is needed (Debian: qemu-user-static)" >&2
	exit 1
}
top=${ARM64:-$(mktemp -d)}
[ -n "${ARM64:-}" ] || trap 'rm -rf "$top"' EXIT
mkdir -p "$top"
top=$(cd "$top" && pwd)
root=$top/root

# An apt of its own, which knows one system of which nothing is installed; the machine's packages stay as they are.
if [ ! -e "$root/unpacked" ]; then
	echo "arm64: apt fetches libtorch-dev" >&2
	mkdir -p "$root" "$top"/apt/{lists/partial,archives/partial}
	: >"$top/apt/status"
	cat >"$top/apt/conf" <<-END
		APT::Architecture "arm64";
		APT::Architectures { "arm64"; };
		APT::Sandbox::User "";
		Dir::State::status "$top/apt/status";
		Dir::State::lists "$top/apt/lists";
		Dir::Cache::archives "$top/apt/archives";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Debug::NoLocking "true";
	END
	export APT_CONFIG=$top/apt/conf
	apt-get -q update >"$top/apt/log" 2>&1 || true # a repository may have nothing for arm64
	apt-get -qy --no-install-recommends --download-only install \
		libtorch-dev libgloo-dev libopenblas0-pthread libstdc++-12-dev >>"$top/apt/log" 2>&1 || {
		tail -n3 "$top/apt/log" >&2
		echo "arm64: apt cannot fetch libtorch-dev for arm64 (see $top/apt/log)" >&2
		exit 1
	}
	for package in "$top"/apt/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
	rm -r "$top/apt/archives"
	# What the packages' scripts would have linked.
	for name in libblas.so.3 liblapack.so.3 libopenblas.so.0; do
		ln -sfn "openblas-pthread/$name" "$root/usr/lib/aarch64-linux-gnu/$name"
	done
	touch "$root/unpacked"
fi
unset APT_CONFIG

export LATENT_SYSROOT=$root LATENT_BUILD=$top/build CXX=aarch64-linux-gnu-g++ CC=aarch64-linux-gnu-gcc
unset LIBTORCH LATENT_PYTHON
export QEMU_CPU=${QEMU_CPU:-cortex-a57} # NEON without SVE, as the measured runs had
scripts/build/native.sh
export GOARCH=arm64 CGO_ENABLED=1 CGO_CFLAGS="-O2 --sysroot=$root" CGO_CXXFLAGS="-O2 --sysroot=$root"
export CGO_LDFLAGS="--sysroot=$root -L$LATENT_BUILD -Wl,-rpath,$LATENT_BUILD"
for test in "$@"; do
	package=${test%%:*} name=
	[ "$package" = "$test" ] || name=${test#*:}
	echo "arm64: $package: tests ${name:-all}" >&2
	go test -c -o "$top/test" "./$package"
	(cd "$package" && "$qemu" -L "$root" "$top/test" -test.v -test.run "$name")
done
