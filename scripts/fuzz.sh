#!/bin/sh
# Runs each fuzz target of the module for a while: scripts/fuzz.sh 10s. It goes on after a failure, and fails at the end.
set -eu
cd "$(dirname "$0")/.."
time=${1:-10s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0 count=0
for folder in $(git grep -l '^func Fuzz' -- '*_test.go' ':!examples' | xargs -n1 dirname | sort -u); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' "$folder"/*_test.go | sort -u); do
		count=$((count + 1))
		if go test "./$folder" -run '^$' -fuzz "^$target\$" -fuzztime "$time" >"$log" 2>&1; then
			printf '%-32s %-24s %s\n' "$folder" "$target" "$(grep -o 'execs: [0-9]*' "$log" | tail -1)"
		else
			failed=$((failed + 1))
			printf '%-32s %-24s FAILED\n' "$folder" "$target"
			cat "$log"
		fi
	done
done
echo "$count fuzz targets, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
