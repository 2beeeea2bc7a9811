#!/usr/bin/env bash
# The units under deploy/ are valid, harden the service as they should, and agree with each other.
set -euo pipefail
cd "$(dirname "$0")/../.."
exposure_max=1.5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
check() {  # check WHAT COMMAND…
    local what=$1
    shift
    if "$@" >"$folder/said" 2>&1; then echo "ok: $what"; return; fi
    echo "FAILED: $what"
    cat "$folder/said"
    failures=$((failures + 1))
}

# `verify` wants the program to be there; this machine need not have it installed.
for unit in deploy/*.service; do sed 's#/usr/bin/pawl#/bin/true#' "$unit" >"$folder/${unit##*/}"; done
cp "$folder/pawl-backfill@.service" "$folder/pawl-backfill@github.service"

is_valid() {  # warnings count: they name directives that systemd does not know
    local said
    said=$(systemd-analyze verify --man=no "$1" 2>&1) || { echo "$said"; return 1; }
    [ -z "$(grep -F "${1##*/}" <<<"$said")" ] || { echo "$said"; return 1; }
}
is_hardened() {
    local exposure
    exposure=$(systemd-analyze security --offline=true --no-pager "$1" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
    echo "exposure '$exposure', at most $exposure_max allowed"
    awk -v is="$exposure" -v max="$exposure_max" 'BEGIN {exit !(is != "" && is <= max)}'
}
hardening_of() { sed -n '/^# A static user/,/^\[Install\]/p' "$1" | grep -v '^\[Install\]' | sed '/^$/d'; }
same_hardening() { diff <(hardening_of deploy/pawl.service) <(hardening_of deploy/pawl-backfill@.service); }
has_user() { systemd-sysusers --dry-run "$PWD/deploy/sysusers.d/pawl.conf" && grep -q '^u pawl ' deploy/sysusers.d/pawl.conf; }
notifies() { grep -qx 'Type=notify' deploy/pawl.service && grep -q '^WatchdogSec=' deploy/pawl.service; }

check "pawl.service is valid" is_valid "$folder/pawl.service"
check "pawl-backfill@.service is valid" is_valid "$folder/pawl-backfill@github.service"
check "pawl.service is hardened" is_hardened "$folder/pawl.service"
check "pawl-backfill@.service is hardened" is_hardened "$folder/pawl-backfill@github.service"
check "both units harden alike" same_hardening
check "the unit's user is a system user of sysusers.d" has_user
check "pawl.service notifies and is watched" notifies

# A unit that must fail: the checks themselves can.
printf '[Service]\nExecStart=/bin/true\nProtectSytem=strict\n' >"$folder/bad.service"
if is_valid "$folder/bad.service" >/dev/null 2>&1 || is_hardened "$folder/bad.service" >/dev/null 2>&1; then
    echo "FAILED: a bad unit passes"
    failures=$((failures + 1))
fi
[ "$failures" -eq 0 ]
