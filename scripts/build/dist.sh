#!/usr/bin/env bash
# dist.sh [DIR]: the static programs without libtorch, for Linux, macOS and Windows on amd64 and arm64, with SHA256SUMS and
# LICENSES.txt, the licences of all that is linked in, into DIR (dist/). The same commit gives the same bytes in every folder
# and on every machine: paths are trimmed, no time is recorded, and the Go release is the one named below, which Go fetches.
# TARGETS="linux/amd64 ..." builds fewer.
set -euo pipefail
cd "$(dirname "$0")/../.."
dist=$(realpath -m "${1:-dist}")
targets=${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}

# What of the environment and of `go env -w` would change the bytes.
unset GOEXPERIMENT
export CGO_ENABLED=0 GOENV=off GOFLAGS='' GOWORK=off GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off
export GOTOOLCHAIN=go1.26.8

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
[ -z "$commit" ] || [ -z "$(git status --porcelain --untracked-files=no)" ] || commit=$commit+changes
version=$(sed -n 's/^const ProgramVersion = "\(.*\)"/\1/p' internal/run/version.go)
[ -n "$version" ] || {
	echo "dist: no version in internal/run/version.go" >&2
	exit 1
}

mkdir -p "$(dirname "$dist")"
# A folder of its own until all is there.
work=$(mktemp -d "$dist.XXXXXX")
trap 'rm -rf "$work"' EXIT
for target in $targets; do
	os=${target%/*} name=latent-$version-${target/\//-}
	[ "$os" != windows ] || name=$name.exe
	echo "dist: $name" >&2
	GOOS=$os GOARCH=${target#*/} go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.builtFrom=$commit" -o "$work/$name" ./cmd/latent
done

# Every module that a target links in, once. One without a licence must not be given away.
modules=$(for target in $targets; do
	GOOS=${target%/*} GOARCH=${target#*/} go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}	{{.Dir}}{{end}}{{end}}' ./cmd/latent
done | LC_ALL=C sort -u)
{
	echo "latent $version, and what is linked into it. Each licence follows the module that it is for."
	printf '\n==== latent %s: LICENSE\n\n' "$version"
	cat LICENSE
	printf '\n==== Go %s: LICENSE\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
	while IFS=$'\t' read -r module dir; do
		found=$(cd "$dir" && LC_ALL=C find . -maxdepth 2 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'notice*' \
			-o -iname 'third_party_licenses*' -o -ipath './licenses/*' \) | LC_ALL=C sort)
		[ -n "$found" ] || {
			echo "dist: $module has no licence in $dir" >&2
			exit 1
		}
		while read -r file; do
			printf '\n==== %s: %s\n\n' "$module" "${file#./}"
			cat "$dir/$file"
		done <<<"$found"
	done <<<"$modules"
} >"$work/LICENSES.txt"
(cd "$work" && sha256sum -- * >SHA256SUMS)
chmod 755 "$work" "$work"/latent-*
rm -rf "$dist"
mv "$work" "$dist"
trap - EXIT
echo "dist: $dist" >&2
