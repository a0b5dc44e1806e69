#!/bin/sh
# build.sh OUT: both commands as they are released, into the folder OUT: static, without paths of this machine, without the demo and the Redis
# that it embeds, the same bytes for the same commit and the same Go, whoever builds and wherever. The commit is recorded where the folder is
# a git checkout.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
vcs=auto
[ -e .git ] && git rev-parse -q --verify HEAD >/dev/null 2>&1 && vcs=true
CGO_ENABLED=0 go build -tags=nodemo -trimpath -buildvcs="$vcs" -ldflags="-s -w -buildid=" -o "$out/" ./cmd/worker ./cmd/enqueue
