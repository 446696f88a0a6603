#!/usr/bin/env bash
# install.sh: installs the built command, its native half, man page and shell completions below $DESTDIR$PREFIX
# (PREFIX: /usr/local). install.sh --uninstall removes them.
# The installed program finds its native half from its own place, and needs this checkout no more. A libtorch that
# `make libtorch-download` put into build/ is installed too; any other one is used where it lies.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${LATENT_BUILD:-build}
program=${LATENT_BUILD:+$LATENT_BUILD/}bin/latent
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*)
	echo "install: PREFIX=$prefix: an absolute path is needed" >&2
	exit 1
	;;
esac
root=${DESTDIR:-}${prefix%/}
lib=$root/lib/latent
man=$root/share/man/man1/latent.1
bash=$root/share/bash-completion/completions/latent
zsh=$root/share/zsh/site-functions/_latent
fish=$root/share/fish/vendor_completions.d/latent.fish

if [ "${1:-}" = --uninstall ]; then
	rm -rf "$lib"
	rm -f "$root/bin/latent" "$man" "$bash" "$zsh" "$fish"
	exit
fi
[ -x "$program" ] && [ -f "$build/libcgotorch.so" ] || {
	echo "install: $program is not built; run 'make' first" >&2
	exit 1
}
# shellcheck source=/dev/null
. "$build/libtorch.env"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# set_runpath FILE PATH: where the loader looks for FILE's libraries. The string is replaced in its place, which every
# linker's output allows where the new one is not longer.
set_runpath() {
	local old offset size at
	old=$(LC_ALL=C readelf -dW "$1" | sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]$/\2/p')
	read -r offset size < <(LC_ALL=C readelf -SW "$1" |
		sed -n 's/.* \.dynstr *STRTAB *[0-9a-f]* \([0-9a-f]*\) \([0-9a-f]*\) .*/0x\1 0x\2/p')
	at=$(dd if="$1" iflag=skip_bytes,count_bytes skip=$((offset)) count=$((size)) status=none |
		LC_ALL=C grep -obaF -- "$old" | sed -n '1s/:.*//p')
	[ -n "$old" ] && [ -n "$at" ] && [ ${#old} -ge ${#2} ] || {
		echo "install: cannot change the library path of $1 ($old)" >&2
		exit 1
	}
	printf '%s\0' "$2" | dd of="$1" bs=1 seek=$((offset + at)) conv=notrunc status=none
}

# shellcheck disable=SC2016 # $ORIGIN is the loader's
{
	cp "$program" "$work/latent"
	set_runpath "$work/latent" '$ORIGIN/../lib/latent'
	cp "$build/libcgotorch.so" "$work/"
	own=no
	if [ "$(readlink -m "$LIBTORCH_LIB")" = "$(readlink -m "$build/libtorch/lib")" ]; then
		own=yes
		set_runpath "$work/libcgotorch.so" '$ORIGIN'
	fi
}
"$program" man >"$work/man"
for shell in bash zsh fish; do
	"$program" completion "$shell" >"$work/$shell"
done

rm -rf "$lib"
install -d "$lib"
[ $own = no ] || cp -dR --no-preserve=ownership "$LIBTORCH_LIB"/*.so* "$lib/"
install -m 644 "$work/libcgotorch.so" "$lib/"
# What leads the linker from gotorch's -lc10 -ltorch -ltorch_cpu to it, for programs of other modules.
[ $own = yes ] || install -m 644 "$build"/lib{c10,torch,torch_cpu}.so "$lib/"
install -D -m 755 "$work/latent" "$root/bin/latent"
install -D -m 644 "$work/man" "$man"
install -D -m 644 "$work/bash" "$bash"
install -D -m 644 "$work/zsh" "$zsh"
install -D -m 644 "$work/fish" "$fish"
echo "install: $root/bin/latent"
[ $own = yes ] || echo "install: it uses libtorch $LIBTORCH_VERSION in $LIBTORCH_LIB, which must stay there"
