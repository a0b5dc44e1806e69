#!/bin/sh
# Makes sure that a real redis-server of version 7.0 or newer is on the PATH; installs one from the system's packages where there is none.
# The tests start their own servers on free ports; no service needs to run. REMESA_TEST_REDIS_SERVER, the absolute path of a redis-server or
# valkey-server, is used instead, and nothing is installed.
set -u
. "$(dirname "$0")/packages.sh"

minimum=7
server=${REMESA_TEST_REDIS_SERVER:-redis-server}

major() {
	"$server" --version 2>/dev/null | sed -n 's/.*[ (]v=\([0-9][0-9]*\)\..*/\1/p'
}

what_to_do() {
	cat >&2 <<-EOF
		The tests need redis-server $minimum.0 or newer on the PATH ($1).
		Install it, then run make test again:
		  Debian 12, Ubuntu 24.04 or newer   apt-get install redis-server
		  Fedora, RHEL                       dnf install redis, or dnf install valkey-compat-redis
		  Alpine                             apk add redis
		  macOS                              brew install redis
		  elsewhere                          https://redis.io/docs/latest/operate/oss_and_stack/install/
		make demo needs no Redis: it brings its own.
	EOF
	exit 1
}

case $server in
redis-server | /*) ;;
*)
	echo "REMESA_TEST_REDIS_SERVER must be an absolute path: tests run in their own folders" >&2
	exit 1
	;;
esac

if [ "$server" = redis-server ] && ! command -v redis-server >/dev/null 2>&1; then
	echo "redis-server is not on the PATH: installing it from the system's packages"
	install_one redis-server redis redis redis ||
		install_one - valkey-compat-redis - - ||
		what_to_do "there is none, and it could not be installed"
	command -v redis-server >/dev/null 2>&1 || what_to_do "the package was installed, but there is still none"
fi

found=$(major)
[ -n "$found" ] || what_to_do "the one found does not tell its version"
[ "$found" -ge "$minimum" ] || what_to_do "the one found has version $found"
