#!/usr/bin/env bash
# container.sh: makes a bare Debian 12, or another Debian or Ubuntu with a libtorch-dev of 1.13 or later, ready to build latent
# as an ordinary user: installs the packages and, where GO names an unpacked Go, puts it on the PATH. Run by the Dockerfile as
# root, in an image or a chroot; it changes nothing else.
set -euo pipefail
[ "$(id -u)" = 0 ] || {
	echo "container: root is needed to install packages" >&2
	exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# What the build installs by itself where it is root, and what an image lacks: make, certificates for Go's modules, git for the
# commit that latent info tells.
apt-get -qy --no-install-recommends install ca-certificates curl g++ git libgloo-dev libopenblas0-pthread libtorch-dev make unzip
rm -rf /var/lib/apt/lists/*
if [ -n "${GO:-}" ]; then
	"$GO/bin/go" version
	ln -sfn "$GO/bin/go" "$GO/bin/gofmt" /usr/local/bin/
fi
