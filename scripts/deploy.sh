#!/bin/sh
# Holds the files of deploy/ to the programs that read them. What needs a program that is not here says so and passes; the files for
# Kubernetes, Compose and Docker are always checked, by Go.
set -u
cd "$(dirname "$0")/../deploy" || exit 1
status=0

prometheus() {
	"$1" check rules prometheus/rules.yml >/dev/null || return 1
	"$1" check config prometheus/prometheus.yml >/dev/null || return 1
	"$1" test rules prometheus/rules_test.yml >/dev/null
}

# The unit with its drop-ins, with a program that is there; 1.5 is what of the system it may still touch, of 10.
systemd() {
	folder=$(mktemp -d) || return 1
	sed 's|^ExecStart=/usr/local/bin/remesa-worker|ExecStart=/bin/true|' systemd/remesa-worker.service >"$folder/remesa-worker.service"
	cp -R systemd/remesa-worker.service.d "$folder/"
	SYSTEMD_UNIT_PATH=$folder: systemd-analyze verify --man=no --recursive-errors=one "$folder/remesa-worker.service" &&
		{ systemd-analyze security --offline=true --threshold=15 "$folder/remesa-worker.service" >"$folder/security" || { tail -n 1 "$folder/security"; false; }; }
	result=$?
	rm -rf "$folder"
	return "$result"
}

if promtool=$(../scripts/need-prometheus.sh promtool 2>/dev/null); then
	prometheus "$promtool" || { echo "deploy/prometheus: promtool found the above" >&2; status=1; }
else
	echo "deploy/prometheus: not checked, promtool is not on the PATH (Debian: the package prometheus)"
fi

if amtool=$(../scripts/need-prometheus.sh amtool 2>/dev/null); then
	"$amtool" check-config alertmanager/alertmanager.yml >/dev/null || { echo "deploy/alertmanager: amtool found the above" >&2; status=1; }
else
	echo "deploy/alertmanager: not checked, amtool is not on the PATH (Debian: the package prometheus-alertmanager)"
fi

if command -v systemd-analyze >/dev/null 2>&1 && systemd-analyze security --help 2>/dev/null | grep -q -e --threshold; then
	systemd || { echo "deploy/systemd: systemd-analyze found the above" >&2; status=1; }
else
	echo "deploy/systemd: not checked, systemd-analyze is not on the PATH, or older than version 250"
fi

unformatted=$(gofmt -l check)
[ -z "$unformatted" ] || { echo "gofmt -w these: $unformatted" >&2; status=1; }
# -count=1: go's cache does not notice what changes outside the module.
go -C check vet ./... && go -C check test -count=1 ./... || status=1
exit "$status"
