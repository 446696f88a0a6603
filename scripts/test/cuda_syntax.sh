#!/usr/bin/env bash
# cuda_syntax.sh PYTHON [INCLUDE...]: checks what only CUDA builds compile (torch/native/cuda.cc and dist.cc with CUDA, NCCL
# and gloo) against the headers of PYTHON's torch and of the nvidia-* wheels beside it, without a GPU and without linking.
# More INCLUDE folders may hold the headers of nvidia-cuda-crt and nvidia-cuda-cccl.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || {
	echo "usage: scripts/test/cuda_syntax.sh PYTHON [INCLUDE...]" >&2
	exit 2
}
site=$("$1" -c 'import importlib.util, os; print(os.path.dirname(os.path.dirname(importlib.util.find_spec("torch").origin)))')
shift
flags=(-std=c++17 -fsyntax-only -fopenmp -Itorch/native -I"$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)")
for dir in "$site"/torch/include "$site"/torch/include/torch/csrc/api/include "$site"/nvidia/*/include "$@"; do
	flags+=(-isystem "$dir")
done
flags+=(-DUSE_DISTRIBUTED -DLATENT_GLOO -DUSE_C10D_GLOO -DLATENT_NCCL -DUSE_C10D_NCCL -DLATENT_CUDA -DWITH_CUDA)
for source in cuda dist; do
	"${CXX:-g++}" "${flags[@]}" torch/native/$source.cc
	echo "cuda_syntax: torch/native/$source.cc"
done
