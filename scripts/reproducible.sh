#!/bin/sh
# Builds the present commit twice, in two folders of different names and with two empty build caches, and compares the bytes.
# Takes some minutes: nothing may come out of a cache.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in one another-and-longer; do
	git -c advice.detachedHead=false clone -q --no-hardlinks . "$work/$name/remesa" # both now: commits may come while the first builds
done
for name in one another-and-longer; do
	echo "building in $work/$name"
	GOCACHE=$work/$name/cache "$work/$name/remesa/scripts/build.sh" "$work/$name/out"
done
status=0
for binary in worker enqueue; do
	if cmp "$work/one/out/$binary" "$work/another-and-longer/out/$binary"; then
		echo "$binary: the same bytes twice, sha256 $(sha256sum "$work/one/out/$binary" | cut -c 1-64)"
	else
		status=1
	fi
done
exit "$status"
