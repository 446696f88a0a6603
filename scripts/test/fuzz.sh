#!/usr/bin/env bash
# fuzz.sh TIME: runs every fuzz target of the module for TIME (30s). An input that fails is kept in testdata/ by Go.
set -euo pipefail
cd "$(dirname "$0")/../.."
grep -rlE --include='*_test.go' --exclude-dir=build '^func Fuzz' . | xargs -rn1 dirname | sort -u | while read -r dir; do
	for target in $(grep -ohE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -d' ' -f2); do
		echo "fuzz $dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-30s}" "$dir"
	done
done
