#!/usr/bin/env bash
# chroot.sh [SUITE [TARGET...]]: the first commands on a bare Debian, for real: makes a chroot of SUITE (bookworm; trixie is
# Debian 13), runs scripts/build/container.sh in it as the Dockerfile does, and then, as a user without root, each
# `make TARGET` (train EPOCHS=1). Needs root, debootstrap and about 4 GB; Go and the modules are this machine's.
#   CHROOT   the folder of the chroot, kept and used again (default: a temporary one)
#   MIRROR   Debian's mirror (default: this machine's)
set -euo pipefail
cd "$(dirname "$0")/../.."
suite=${1:-bookworm}
shift || true
[ $# -gt 0 ] || set -- "train EPOCHS=1"
[ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || {
	echo "chroot: root and debootstrap are needed" >&2
	exit 1
}
mirror=${MIRROR:-$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
	sed -n 's/^URIs: *//p; s/^deb [^#]*\(https\?:[^ ]*\).*/\1/p' | head -n1)}
root=${CHROOT:-$(mktemp -d)}
cleanup() {
	umount "$root/dev/pts" "$root/proc" "$root/usr/local/go" "$root/modules" 2>/dev/null || true
	[ -n "${CHROOT:-}" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase "$suite" "$root" "${mirror:-http://deb.debian.org/debian}" >/dev/null
mkdir -p "$root/usr/local/go" "$root/modules" "$root/tmp/build"
mount -t proc proc "$root/proc"
mount -t devpts devpts "$root/dev/pts" 2>/dev/null || true
mount --bind "$(go env GOROOT)" "$root/usr/local/go"
mount --bind "$(go env GOMODCACHE)/cache/download" "$root/modules"
cp /etc/resolv.conf "$root/etc/"
cp scripts/build/container.sh "$root/tmp/build/"
chroot "$root" env GO=/usr/local/go /tmp/build/container.sh >/dev/null

# A path with a space and an umlaut, as people have them.
home="/home/müller/mein latent"
chroot "$root" useradd -m -d /home/müller -s /bin/bash mueller 2>/dev/null || true
rm -rf "${root:?}$home"
mkdir -p "$root$home"
git ls-files -z | xargs -0 cp --parents -t "$root$home"
chroot "$root" chown -R mueller: /home/müller
for target in "$@"; do
	echo "chroot: $suite: make $target" >&2
	# shellcheck disable=SC2016 # the chroot's shell expands it
	chroot "$root" su mueller -c 'cd "$1" && GOPROXY=file:///modules GOSUMDB=off make $2' \
		-- make "$home" "$target"
done
