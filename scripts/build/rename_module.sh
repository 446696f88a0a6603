#!/usr/bin/env bash
# rename_module.sh PATH: gives this module another path, such as example.org/you/latent: in go.mod, in every import, and in
# the modules in testdata/ that import it.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# = 1 ] && [[ $1 =~ ^[A-Za-z0-9._~/-]+$ ]] || {
	echo "usage: scripts/build/rename_module.sh PATH (example.org/you/latent)" >&2
	exit 2
}
old=$(go list -m)
from=${old//./\\.}
files() { find . \( -path ./.git -o -path ./build -o -path ./data -o -path ./runs \) -prune -o -name "$1" -type f -print0; }
go mod edit -module "$1"
# A package of the module is always a quoted string that begins with its path and a slash.
{ files '*.go' && files '*.md'; } | xargs -0 sed -i -E "s#([\"\`])$from(/[A-Za-z0-9_/.-]*[\"\`])#\1$1\2#g"
files '*.go' | xargs -0 gofmt -w # sorts the imports again
files go.mod | while IFS= read -r -d '' mod; do
	[ "$mod" = ./go.mod ] || sed -i -E "s#(^|[[:space:]])$from( v[0-9]| =>)#\1$1\2#" "$mod"
done
