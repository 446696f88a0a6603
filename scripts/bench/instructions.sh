#!/usr/bin/env bash
# instructions.sh: how many arm64 instructions the kernels of tsne take in assembly and in Go, under qemu: a table for
# docs/results.md. It says nothing of time. Needs qemu that is linked dynamically (Debian: qemu-user) and a C compiler.
#   QEMU     the emulator (default qemu-aarch64)
set -euo pipefail
cd "$(dirname "$0")/../.."
qemu=${QEMU:-qemu-aarch64}
command -v "$qemu" >/dev/null || {
	echo "instructions: $qemu is needed (Debian: qemu-user), or QEMU=" >&2
	exit 1
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc -shared -fPIC -O2 -o "$dir/count.so" scripts/bench/instructions.c
GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go test -c -o "$dir/tsne" ./tsne

# count BENCHMARK: instructions of one call, as the difference of two runs.
count() {
	local times total=()
	for times in 100 1100; do
		total+=("$(GOMAXPROCS=1 GOGC=off "$qemu" -plugin "$dir/count.so" "$dir/tsne" -test.run '^$' -test.bench "$1" \
			-test.benchtime "${times}x" 2>&1 | sed -n 's/^instructions: //p')")
	done
	echo $(((total[1] - total[0]) / 1000))
}
echo "| kernel | assembly | Go | ratio |"
echo "| --- | --- | --- | --- |"
for kernel in distance product attract2 attract3 repel2 repel3 walk2; do
	assembly=$(count "^BenchmarkKernels\$/^$kernel\$/^assembly\$")
	generic=$(count "^BenchmarkKernels\$/^$kernel\$/^go\$")
	echo "| $kernel | $assembly | $generic | $(awk -v a="$assembly" -v g="$generic" 'BEGIN { printf "%.1f", g / a }') |"
done
