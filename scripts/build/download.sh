#!/usr/bin/env bash
# Fetches the official CPU libtorch into build/libtorch, for machines with neither a package nor a Python with torch.
# Run by `make libtorch-download` only. A download that was cut off goes on where it stopped; nothing half-done is used.
#
#   LIBTORCH_RELEASE   the version (default below); another one needs LIBTORCH_SHA256
#   LIBTORCH_SHA256    SHA-256 of the zip
#   LIBTORCH_URL       folder that holds the zip
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${LATENT_BUILD:-build}

# PyTorch publishes no checksums beside its zips. This one is pinned alike by the builds of Open3D
# (3rdparty/cmake, FetchContent URL_HASH) and WasmEdge (utils/wasi-nn/install-pytorch.sh).
pinned=2.5.1
pinned_sha256=618ca54eef82a1dca46ff1993d5807d9c0deb0bae147da4974166a147cb562fa

release=${LIBTORCH_RELEASE:-$pinned}
sha256=${LIBTORCH_SHA256:-}
[ -n "$sha256" ] || [ "$release" != "$pinned" ] || sha256=$pinned_sha256
base=${LIBTORCH_URL:-https://download.pytorch.org/libtorch/cpu}

say() { echo "libtorch-download: $*" >&2; }
die() {
	say "$@"
	exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] || die "PyTorch has no zip for $(uname -sm); use pip's torch: make LATENT_PYTHON=python3"
[[ $sha256 =~ ^[0-9a-f]{64}$ ]] || die "the SHA-256 of release $release is not known here; set LIBTORCH_SHA256= to its 64 hex digits"
# The prefix of the name changed when the old ABI ended.
name=libtorch-cxx11-abi-shared-with-deps-$release%2Bcpu.zip
[ "$(printf '%s\n' 2.8 "$release" | sort -V | head -n1)" != 2.8 ] || name=libtorch-shared-with-deps-$release%2Bcpu.zip

at=$build/libtorch
if [ "$(cat "$at/latent-sha256" 2>/dev/null)" = "$sha256" ]; then
	say "release $release is in $at already"
	exit 0
fi
for tool in curl unzip; do
	command -v "$tool" >/dev/null || die "$tool is needed; run 'sudo apt-get install -y curl unzip'"
done

mkdir -p "$build"
part=$build/libtorch-$sha256.part
fits() { [ -f "$part" ] && [ "$(sha256sum <"$part" | cut -d' ' -f1)" = "$sha256" ]; }
if ! fits; then
	say "fetch $base/$name"
	rc=0
	curl -fL --retry 3 --connect-timeout 20 -C - -o "$part" "$base/$name" || rc=$?
	# 22 and 36: the part is as long as the file; 33: the server cannot resume. Start over.
	if [ -s "$part" ] && { [ $rc = 22 ] || [ $rc = 33 ] || [ $rc = 36 ]; }; then
		rm "$part"
		rc=0
		curl -fL --retry 3 --connect-timeout 20 -o "$part" "$base/$name" || rc=$?
	fi
	[ $rc = 0 ] || die "curl ended with $rc at $base/$name; run it again to go on, or set LIBTORCH_URL= to a mirror"
	if ! fits; then
		got=$(sha256sum <"$part" | cut -d' ' -f1)
		rm "$part"
		die "$base/$name has SHA-256 $got, not $sha256; it was removed"
	fi
fi

say "unpack into $at"
tmp=$(mktemp -d "$build/libtorch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
unzip -q "$part" -d "$tmp" || die "cannot unpack $part; is the disk full?"
[ -d "$tmp/libtorch/lib" ] || die "$base/$name holds no libtorch/lib"
echo "$sha256" >"$tmp/libtorch/latent-sha256"
rm -rf "$at"
mv "$tmp/libtorch" "$at"
rm "$part"
say "done; make uses it where the system has no libtorch, and 'make LIBTORCH=$at' always"
