#!/bin/sh
# Makes sure that there is a C compiler, without which Go's race detector cannot be linked (macOS alone needs none).
set -u
. "$(dirname "$0")/packages.sh"

[ "$(go env GOOS)" = darwin ] && exit 0
cc=$(go env CC)
command -v "${cc%% *}" >/dev/null 2>&1 && exit 0

echo "no C compiler (${cc:-cc}): installing one for the race detector"
install_one build-essential gcc build-base - && command -v "${cc%% *}" >/dev/null 2>&1 && exit 0
echo "The race detector needs a C compiler: install gcc (and the C library's headers), then run make test again." >&2
exit 1
