#!/bin/sh
# Builds the server that the tests run against from a checkout of Redis or Valkey, and prints its absolute path:
#
#   REMESA_TEST_REDIS_SERVER=$(scripts/build-store.sh SOURCE FOLDER) make test
#
# Without TLS and modules, which the tests do not need, and without optimization at link time, which takes minutes. It needs make and a C
# compiler.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 SOURCE FOLDER" >&2; exit 64; }
source=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)

name=redis-server
[ ! -f "$source/src/valkey-cli.c" ] || name=valkey-server

make -C "$source/src" -j "$(getconf _NPROCESSORS_ONLN)" BUILD_TLS=no OPTIMIZATION=-O2 "$name" >&2
cp "$source/src/$name" "$folder/$name"
"$folder/$name" --version >&2
echo "$folder/$name"
