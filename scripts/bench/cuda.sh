#!/usr/bin/env bash
# Tests and measures training on a CUDA device, in one call of under ten minutes, on a machine that has a Python with a
# CUDA torch and may have nothing else: bin/ and build/ may come from another machine where `make` built them against
# the same torch wheel (LATENT_PYTHON=python3 make, then `scripts/bench/cuda.sh --carry`, which adds the tests to build/).
#
#   scripts/bench/cuda.sh [OUTPUT.json]
#
#   PYTHON=python3   a Python that has the CUDA torch
#   DATA=data        the data set, laid out as torchvision does; it is fetched where it is missing
#   EPOCHS=500       of the timed runs
#   SECONDS_IN_ALL=570
#
# Its steps: build (where nothing was carried), the CUDA tests, one epoch on the CPU and on the GPU whose losses must
# agree within 1e-3 relative, EPOCHS epochs in fp32, TF32 and bf16, contrastive epochs, and beside them PyTorch, eager
# and as a CUDA graph, its tensors preloaded, for a tenth of the epochs. A step that fails is reported, and the others
# go on; all is printed and written to OUTPUT.json. Every figure was measured by that call. Exit code 1 when a step failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --carry ]; then
	mkdir -p build/tests
	go test -c -o build/tests/ ./torch ./autoenc ./contrastive
	exit
fi
python=$(command -v "${PYTHON:-python3}") || {
	echo "cuda: ${PYTHON:-python3}: no such program" >&2
	exit 1
}
DATA=${DATA:-data} EPOCHS=${EPOCHS:-500} SECONDS_IN_ALL=${SECONDS_IN_ALL:-570} exec "$python" scripts/bench/cuda.py "$@"
