#!/usr/bin/env bash
# The systemd unit: its form, its hardening, and that the gateway can live with it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/deploy/needs.sh"
needs systemd-analyze:systemd >&2

UNIT=$ROOT/deploy/systemd/netweave.service
WORST=20 # exposure, in tenths

# The unit as it is, with programs that this machine has: `verify` looks for them.
verified() {
  sed "s#/usr/bin/netweave#$NETWEAVE_BIN#" "$UNIT" >"$WORK/netweave.service"
  local out
  out=$(systemd-analyze verify --man=no --recursive-errors=no "$WORK/netweave.service" 2>&1) || { echo "$out"; return 1; }
  # Unknown keys are only warnings to systemd.
  ! grep -E 'netweave.service:[0-9]+:' <<<"$out"
}
with_networks() {
  mkdir -p "$WORK/drop"
  cat "$UNIT" "$ROOT/deploy/systemd/networks.conf" >"$WORK/drop/netweave.service"
  systemd-analyze security --offline=true --threshold="$WORST" --no-pager "$WORK/drop/netweave.service"
}
softened() { # key...; one key less must count, or the score says nothing
  grep -vE "^($1)=" "$UNIT" >"$WORK/drop/soft.service"
  systemd-analyze security --offline=true --threshold="$WORST" --no-pager "$WORK/drop/soft.service"
}
# Every system call of the seccomp profile, which the suites were seen to need, passes the unit's filter.
calls_pass() {
  "$PYTHON" "$TESTS/calls.py" "$UNIT" "$ROOT/deploy/seccomp/netweave.json"
}
# The time until systemd kills it covers what the gateway takes in staging and prod.
time_to_end() {
  local stop
  stop=$(sed -n 's/^TimeoutStopSec=//p' "$UNIT")
  printf 'environment: prod\naccess: { others: [] }\nstate: { kind: embedded, path: netweave.db }\n' >"$WORK/prod.yaml"
  local total
  total=$(gateway config show -c "$WORK/prod.yaml" | sed -nE '/^shutdown:/,/^[^ ]/s/^ +(delay|grace): ([0-9]+)s$/\2/p' | awk '{ n += $1 } END { print n + 0 }')
  echo "delay and grace are $total s, TimeoutStopSec $stop s"
  [ "$total" -gt 0 ] && [ "$stop" -ge $((total + 10)) ]
}

holds systemd_unit_is_valid verified
holds systemd_exposure_is_below_2.0 systemd-analyze security --offline=true --threshold="$WORST" --no-pager "$UNIT"
holds systemd_exposure_with_networks_is_below_2.0 with_networks
refuses systemd_exposure_counts_what_is_taken_away 'Overall exposure level' softened 'CapabilityBoundingSet|NoNewPrivileges|User'
holds systemd_filter_passes_what_the_gateway_calls calls_pass
holds systemd_waits_for_the_end_of_a_drain time_to_end
done_with_cases
