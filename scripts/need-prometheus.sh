#!/bin/sh
# need-prometheus.sh PROGRAM…: prints the path of each of promtool, prometheus, amtool and prometheus-alertmanager, one a line. What is not on
# the PATH comes from Debian's packages, unpacked below .bin: installing them would start servers. Fails where one is not to be had.
set -eu
tools=$(cd "$(dirname "$0")/.." && pwd)/.bin
for program; do
	case $program in
	promtool | prometheus) package=prometheus ;;
	amtool | prometheus-alertmanager) package=prometheus-alertmanager ;;
	*) echo "usage: $0 promtool|prometheus|amtool|prometheus-alertmanager…" >&2; exit 64 ;;
	esac
	command -v "$program" && continue
	unpacked=$tools/$package
	if [ ! -x "$unpacked/usr/bin/$program" ]; then
		command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "$program: not on the PATH, and no Debian to take it from" >&2; exit 1; }
		# A folder of its own, moved at the end: two may come at once.
		new=$(mkdir -p "$tools" && mktemp -d "$tools/$package.XXXXXX")
		(cd "$new" && apt-get download -qq "$package" && dpkg-deb -x "$package"_*.deb . && rm "$package"_*.deb) >&2
		chmod 755 "$new"
		mv -T "$new" "$unpacked" 2>/dev/null || rm -rf "$new"
	fi
	# Debian's Alertmanager finds its templates at one place only.
	templates=/usr/share/prometheus/alertmanager
	if [ "$program" = prometheus-alertmanager ] && [ ! -e "$templates" ]; then
		mkdir -p "$(dirname "$templates")" && ln -sfn "$unpacked$templates" "$templates"
	fi
	echo "$unpacked/usr/bin/$program"
done
