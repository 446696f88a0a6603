#!/usr/bin/env bash
# overhead.sh [PYTHON]: what a call of an operation costs from Go, from C++ and from Python (python3), on one element, and a step
# of a convolutional network. Go and C++ use the libtorch that was built against.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/build/native.sh
# shellcheck source=/dev/null
. build/libtorch.env
program=$(mktemp)
trap 'rm -f "$program"' EXIT
include=(-isystem "$LIBTORCH_INCLUDE/torch/csrc/api/include")
[ "$LIBTORCH_INCLUDE" = /usr/include ] || include+=(-isystem "$LIBTORCH_INCLUDE")
"${CXX:-g++}" -std=c++17 -O2 -D_GLIBCXX_USE_CXX11_ABI="$LIBTORCH_ABI" "${include[@]}" -o "$program" scripts/bench/overhead.cc \
	-L"$LIBTORCH_LIB" -Wl,-rpath,"$LIBTORCH_LIB" -Wl,--no-as-needed -ltorch_cpu -lc10 -ltorch
go test -run '^$' -bench 'Overhead|ConvolutionStep' -benchtime 1s ./torch
"$program"
"${1:-python3}" scripts/bench/overhead.py
