#!/usr/bin/env bash
# test_libtorch.sh PYTHON [TARGET...]: builds a copy of this checkout against the torch of PYTHON and makes the targets
# there; without any, all tests.
# A virtual environment for it (pip's torch takes 5 GB with its CUDA libraries):
#   python3 -m venv ~/torch && ~/torch/bin/pip install torch==2.11.0 'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-cccl==13.0.*'
#   scripts/test/libtorch.sh ~/torch/bin/python
# The copy is kept in build/second/, so that another run compiles only what changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || {
	echo "usage: scripts/test/libtorch.sh PYTHON [TARGET...] (a Python that has torch)" >&2
	exit 2
}
python=$(command -v "$1") || {
	echo "test_libtorch: $1: no such program" >&2
	exit 1
}
shift
copy=build/second
mkdir -p "$copy"
find "$copy" -mindepth 1 -maxdepth 1 ! -name build ! -name data -exec rm -rf {} +
# What git knows and does not ignore; without git, everything but what make made.
{ git ls-files -z -co --exclude-standard 2>/dev/null || find . -type f -not -path './build/*' -not -path './bin/*' \
	-not -path './runs/*' -not -path './data/*' -print0; } | while IFS= read -r -d '' f; do
	[ ! -f "$f" ] || printf '%s\0' "$f"
done | xargs -0 cp -p --parents -t "$copy"
[ ! -d data ] || ln -sfn "$PWD/data" "$copy/data"
cd "$copy"
unset LIBTORCH MAKEFLAGS MFLAGS MAKEOVERRIDES
make LATENT_PYTHON="$python" "${@:-test}"
cat build/libtorch.env
