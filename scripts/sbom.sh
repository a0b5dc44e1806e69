#!/bin/sh
# sbom.sh BINARY [OUT]: the bill of materials of a binary in CycloneDX 1.5, to OUT or stdout. It lists what the Go linker recorded: each
# module with its version and its checksum in go.sum, and the Go it was built with. Nothing is looked up, so it says what is in the
# binary, not what go.mod would allow.
set -eu
[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: $0 BINARY [OUT]" >&2; exit 64; }
[ $# -eq 2 ] && exec >"$2"
go version -m "$1" | awk -F '\t' -v binary="$(basename "$1")" '
	function purl(path, version) { gsub(/\+/, "%2B", version); return "pkg:golang/" path "@" version }
	function component(kind, path, version, sum) {
		printf "%s\n    {\"type\": \"%s\", \"name\": \"%s\", \"version\": \"%s\", \"purl\": \"%s\"", separator, kind, path, version, purl(path, version)
		if (sum != "") printf ", \"properties\": [{\"name\": \"go:sum\", \"value\": \"%s\"}]", sum
		printf "}"
		separator = ","
	}
	NR == 1 { n = split($0, word, ": "); go = substr(word[n], 3) }
	$2 == "mod" { main = $3; version = $4 }
	$2 == "dep" { count++; path[count] = $3; number[count] = $4; sum[count] = $5 }
	$2 == "=>" { path[count] = $3; number[count] = $4; sum[count] = $5 }
	END {
		if (main == "") { print binary ": not a Go binary with modules" > "/dev/stderr"; exit 1 }
		printf "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n  \"metadata\": {\"component\": "
		printf "{\"type\": \"application\", \"name\": \"%s\", \"version\": \"%s\", \"purl\": \"%s\"}},\n", binary, version, purl(main, version)
		printf "  \"components\": ["
		component("library", "std", go, "")
		for (i = 1; i <= count; i++) component("library", path[i], number[i], sum[i])
		printf "\n  ]\n}\n"
	}'
