#!/usr/bin/env bash
# Each alert of the first two priorities in the lab: a fault raises it in a real Prometheus, `runbook --diagnose` names the cause, and
# the fix clears it. docs/faults.md is the table; NETWEAVE_FULL=1 takes all of it, else every P1 and what shares its faults.
#
# Prints one line per case, `ok NAME` or `not ok NAME reason`; the exit code is 0 only if all held. $NETWEAVE_BIN is the gateway (or
# target/debug/netweave), $PEERS_DIR (or target/peers) keeps Redis and Prometheus. All listens on loopback only.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. deploy/needs.sh
needs python3:python3
export PEERS_DIR
bash tests/peers/redis.sh
unpacked prometheus "$PEERS_DIR/share/prometheus"
PROMETHEUS=$PEERS_DIR/share/prometheus/usr/bin/prometheus
LAB=$WORK/lab

finish() {
  gateway lab down --dir "$LAB" >/dev/null 2>&1 || true
  rm -rf "$WORK"
}
trap finish EXIT

holds up gateway lab up --dir "$LAB" --redis-server "$PEERS_DIR/bin/redis-server" --prometheus "$PROMETHEUS"
holds status gateway lab status --dir "$LAB"
refuses up_twice "a lab runs" gateway lab up --dir "$LAB"
refuses unknown_fault "invalid value" gateway lab fault no-such-fault --dir "$LAB"
cases faults python3 tests/operations/faults.py "$ROOT" "$NETWEAVE_BIN" "$LAB" "${NETWEAVE_FULL:+all}"
holds healed until_true 60 gateway lab status --dir "$LAB"

# What `up` started is gone after `down`, and nothing else is touched.
pids=$(gateway lab status --dir "$LAB" -o json | python3 -c 'import json, sys; print(*[part["pid"] for part in json.load(sys.stdin)["parts"]])')
holds down gateway lab down --dir "$LAB"
ended() { for pid in $pids; do ! grep -qs "$LAB\|redis.conf\|netweave" "/proc/$pid/cmdline" || return 1; done; }
holds ended ended
refuses status_of_none "there is no lab" gateway lab status --dir "$LAB"
done_with_cases
