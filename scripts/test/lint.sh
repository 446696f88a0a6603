#!/usr/bin/env bash
# gofmt, go mod tidy, go vet, staticcheck; shellcheck and Python's own compiler where they are installed. Run by `make lint`.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0

unformatted=$(find . -name '*.go' -not -path './build/*' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
	echo "gofmt -w is needed:" "$unformatted"
	failed=1
fi
go mod tidy -diff || failed=1
go vet ./... || failed=1
go tool staticcheck ./... || failed=1
# What needs no libtorch builds everywhere; go vet compiles its tests too.
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
	CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go vet ./... || failed=1
	CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -o /dev/null ./cmd/latent || failed=1
done
if command -v shellcheck >/dev/null; then
	shellcheck -S warning scripts/*/*.sh .ci/run || failed=1
fi
if command -v python3 >/dev/null; then
	find . -name '*.py' -not -path './build/*' -print0 |
		xargs -0 python3 -c 'import sys; [compile(open(f, encoding="utf-8").read(), f, "exec") for f in sys.argv[1:]]' ||
		failed=1
fi
exit $failed
