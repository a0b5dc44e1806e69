# Installs a package of the system. Sourced by the other scripts, not run.
#
#   as_root COMMAND…             runs it as root, with sudo where we are not root and sudo exists
#   install_one APT DNF APK BREW installs the package under the name that the first package manager found knows ("-": none there);
#                                returns 1 where there is no package manager, or it failed

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo -n true 2>/dev/null || echo "sudo may ask for your password to install what the tests need" >&2
		sudo "$@"
	else
		echo "not root, and there is no sudo: cannot run: $*" >&2
		return 1
	fi
}

install_one() {
	if command -v apt-get >/dev/null 2>&1; then
		[ "$1" != - ] && as_root apt-get update -qq &&
			as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1"
	elif command -v dnf >/dev/null 2>&1; then
		[ "$2" != - ] && as_root dnf install -y -q "$2"
	elif command -v apk >/dev/null 2>&1; then
		[ "$3" != - ] && as_root apk add --no-cache "$3"
	elif command -v brew >/dev/null 2>&1; then
		# Homebrew refuses to run as root.
		[ "$4" != - ] && brew install "$4"
	else
		return 1
	fi
}
