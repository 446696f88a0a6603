#!/usr/bin/env bash
# Says in one line that Go is missing or too old, before a build installs anything. Go 1.21 and later fetch the release that
# go.mod names by themselves.
set -euo pipefail
cd "$(dirname "$0")/../.."
need=$(sed -n 's/^go //p' go.mod)
die() {
	echo "make: $*" >&2
	exit 1
}
command -v go >/dev/null || die "Go is needed (https://go.dev/dl), version $need or later"
have=$(go env GOVERSION 2>&1) || die "$have (https://go.dev/dl)"
have=${have##*go} # a line about a download may come before
# A release candidate is older than its release: 1.26rc1 < 1.26.0.
have_release=${have%%[!0-9.]*}
[ "$have_release" = "$have" ] && [ "$(printf '%s\n' "$need" "$have" | sort -V | head -n1)" = "$need" ] ||
	die "Go $have is too old: $need or later is needed (https://go.dev/dl); Debian's and Ubuntu's package is older"
