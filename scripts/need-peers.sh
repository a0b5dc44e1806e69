#!/bin/sh
# Makes sure that there are a PostgreSQL server and node with npm for make bench; installs them from the system's packages where there are none.
# Where that fails, River or BullMQ is left out of the comparison, which says so.
set -u
. "$(dirname "$0")/packages.sh"

postgres() {
	command -v postgres >/dev/null 2>&1 && return 0
	for found in /usr/lib/postgresql/*/bin/postgres; do
		[ -x "$found" ] && return 0
	done
	return 1
}

if ! postgres; then
	echo "no PostgreSQL server: installing one from the system's packages"
	install_one postgresql postgresql-server postgresql postgresql && postgres ||
		echo "There is no PostgreSQL server, and none could be installed: River is not measured." >&2
fi
if ! command -v node >/dev/null 2>&1; then
	echo "no node: installing it from the system's packages"
	install_one nodejs nodejs nodejs node || echo "There is no node, and none could be installed: BullMQ is not measured." >&2
fi
if command -v node >/dev/null 2>&1 && ! command -v npm >/dev/null 2>&1; then
	install_one npm npm npm node || echo "There is no npm, and none could be installed: BullMQ is not measured." >&2
fi
exit 0
