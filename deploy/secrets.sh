#!/bin/sh
# Makes the passwords that compose.yaml hands to its services, each once: what is there stays. The providers' own secrets are yours to put
# beside them. The folder is for root and you; the files in it are readable by all, because containers read them under other numbers.
set -eu
umask 022
folder=${1:-$(dirname "$0")/secrets}
acl=$(cd "$(dirname "$0")" && pwd)/redis/users.acl
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
once() { [ -s "$1" ] || printf '%s\n' "$2" >"$1"; }

if [ ! -s redis_url ] || [ ! -s redis_auth ]; then
	password=$(random)
	printf 'requirepass %s\n' "$password" >redis_auth
	printf 'redis://:%s@redis:6379/0\n' "$password" >redis_url
fi
# Producers have a user of their own, with what redis/users.acl allows it. A Redis that runs already knows it after a restart.
if [ ! -s producer_redis_url ]; then
	password=$(random)
	sed -n "s/^user producer on >CHANGE-ME /user producer on >$password /p" "$acl" >>redis_auth
	printf 'redis://producer:%s@redis:6379/0\n' "$password" >producer_redis_url
fi
once dashboard_password "$(random)"
once grafana_password "$(random)"
for secret in virtualpos_api_key virtualpos_secret_key; do
	[ -s "$secret" ] || echo "still missing: $folder/$secret (from your provider)" >&2
done
