#!/bin/sh
# Makes sure that there is a python3 for the tests of the examples in Python; installs one from the system's packages where there is none.
# Where that fails they are skipped and says so, except with CI set: there it fails.
set -u
. "$(dirname "$0")/packages.sh"

command -v python3 >/dev/null 2>&1 && exit 0
echo "no python3: installing one from the system's packages"
install_one python3 python3 python3 python3 && command -v python3 >/dev/null 2>&1 && exit 0
echo "There is no python3, and none could be installed: the tests of the examples in Python are skipped." >&2
exit 0
