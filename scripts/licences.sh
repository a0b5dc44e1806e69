#!/bin/sh
# licences.sh BINARY…: the licences of all that is linked into the binaries, to stdout, Go's own first. A module without a licence file is an
# error: what may not be passed on must not be in an image.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 BINARY…" >&2; exit 64; }

licence() {
	printf '\n==== %s ====\n\n' "$1"
	found=
	for file in "$2"/LICEN[SC]E* "$2"/COPYING* "$2"/NOTICE*; do
		[ -f "$file" ] && cat "$file" && found=yes && echo
	done
	[ -n "$found" ] || { echo "$1: no licence file" >&2; exit 1; }
}

echo "What remesa's commands are made of, and under which licences. remesa's own is Apache-2.0."
licence "Go $(go env GOVERSION)" "$(go env GOROOT)"
modules=$(for binary; do go version -m "$binary"; done | awk -F '\t' '$2 == "dep" { print $3 "@" $4 }' | sort -u)
for module in $modules; do
	licence "$module" "$(go list -m -f '{{.Dir}}' "$module")"
done
