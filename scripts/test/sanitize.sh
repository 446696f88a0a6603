#!/usr/bin/env bash
# test_sanitize.sh [race] [asan] [valgrind]: the native half and its wrapper under three checkers; without arguments, all
# that are installed.
#   race      Go's race detector on the short tests of torch, autoenc and contrastive
#   asan      AddressSanitizer and LeakSanitizer on the same: gotorch's C++, the shim and Go's cgo code are compiled with
#             it (build/asan), libtorch is not, but allocates through it
#   valgrind  memcheck on tests of the wrapper: sees all code, libtorch's too; a hundred times slower, so not on all tests
# Environment: as find_libtorch.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then
	set -- race
	if echo 'int main() {}' | "${CXX:-g++}" -fsanitize=address -x c++ -o /dev/null - 2>/dev/null; then
		set -- "$@" asan
	else
		echo "test_sanitize: asan: left out: ${CXX:-g++} has no AddressSanitizer" >&2
	fi
	if command -v valgrind >/dev/null; then
		set -- "$@" valgrind
	else
		echo "test_sanitize: valgrind: left out: it is not installed (sudo apt-get install valgrind)" >&2
	fi
fi

race() {
	scripts/build/native.sh
	go test -race -short -count=1 -timeout 60m ./torch ./autoenc ./contrastive
}

asan() {
	local out=$PWD/build/asan package hash
	mkdir -p "$out/lib"
	printf '#!/bin/sh\nexec %s -fsanitize=address -fno-omit-frame-pointer -g "$@"\n' "${CXX:-g++}" >"$out/cxx"
	chmod +x "$out/cxx"
	scripts/build/native.sh # what the linker sees
	CXX=$out/cxx LATENT_BUILD=build/asan scripts/build/native.sh
	ln -sf ../libcgotorch.so "$out/lib/" # alone, without the linker scripts beside it
	for package in torch autoenc contrastive; do
		go test -asan -c -o "$out/$(basename "$package").test" "./$package"
		# gotorch's initialiser never frees the names that it hands to C, 18 bytes a layer. cgo names malloc after the package.
		hash=$(nm "$out/$(basename "$package").test" | sed -n 's/.* T _cgo_\([0-9a-f]*\)_Cfunc_KaimingUniform_$/\1/p')
		echo "leak:_cgo_${hash:?}_Cfunc__Cmalloc" >"$out/lsan.supp"
		echo "asan: $package" >&2
		# Without a limit the freed memory that it keeps would look like a leak to the tests that read the resident size.
		(cd "$package" && LD_LIBRARY_PATH=$out/lib ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=4 \
			LSAN_OPTIONS=suppressions=$out/lsan.supp:print_suppressions=0 \
			"$out/$(basename "$package").test" -test.short -test.timeout 30m)
	done
}

valgrind_() {
	command -v valgrind >/dev/null || {
		echo "test_sanitize: valgrind is not installed: sudo apt-get install valgrind" >&2
		exit 1
	}
	scripts/build/native.sh
	# The tag makes Go's runtime tell valgrind of its stacks and its heap.
	go test -tags valgrind -c -o build/valgrind.test ./torch
	(cd torch && GODEBUG=asyncpreemptoff=1 valgrind --quiet --leak-check=no --error-exitcode=9 --num-callers=30 \
		--suppressions=testdata/valgrind.supp ../../build/valgrind.test -test.short -test.timeout 60m \
		-test.run 'PyTorchs$|Exceptions|Undefined|Fused|Owns|Copies|NoGrad')
}

for check; do
	case $check in
	race) race ;;
	asan) asan ;;
	valgrind) valgrind_ ;;
	*)
		echo "usage: scripts/test/sanitize.sh [race] [asan] [valgrind]" >&2
		exit 2
		;;
	esac
	echo "test_sanitize: $check: clean" >&2
done
