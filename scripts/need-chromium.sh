#!/bin/sh
# Makes sure that there is a Chromium for the tests that open the pages in a browser; installs one from the system's packages where there
# is none. Where that fails those tests are skipped and say so, except for root on Debian with CI set: there they fail.
set -u
. "$(dirname "$0")/packages.sh"

found() {
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
		command -v "$name" >/dev/null 2>&1 && return 0
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || [ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}

found && exit 0
echo "no Chromium: installing one from the system's packages"
install_one chromium chromium chromium - && found && exit 0
echo "There is no Chromium, and none could be installed: the tests in internal/browsertest are skipped." >&2
exit 0
