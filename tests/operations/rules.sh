#!/usr/bin/env bash
# Alerts, runbooks and dashboards: that the rules are right, that they name what the gateway has, and that they work on a live one.
#
# Prints one line per case, `ok NAME` or `not ok NAME reason`; the exit code is 0 only if all held. $NETWEAVE_BIN is the gateway (or
# target/debug/netweave), $PEERS_DIR (or target/peers) keeps Prometheus and Alertmanager, unpacked from Debian's packages. All listens
# on loopback only.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. deploy/needs.sh
needs curl:curl python3:python3
export PEERS_DIR
bash tests/peers/redis.sh
unpacked prometheus "$PEERS_DIR/share/prometheus"
unpacked prometheus-alertmanager "$PEERS_DIR/share/alertmanager"
PATH=$PEERS_DIR/share/prometheus/usr/bin:$PEERS_DIR/share/alertmanager/usr/bin:$PEERS_DIR/bin:$PATH

started=()
finish() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$WORK"
}
trap finish EXIT

# Starts a process in the background; its output goes to $WORK/NAME.log.
start() { # name command...
  local name=$1
  shift
  "$@" >"$WORK/$name.log" 2>&1 &
  started+=("$!")
  printf -v "pid_$name" %s "$!"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# As a process of its own, which `finish` can stop.
gateway() { exec env -i PATH="$PATH" "$NETWEAVE_BIN" "$@"; }

# Rules and their tests.
for file in deploy/prometheus/rules/*.yaml deploy/prometheus/topology/*.yaml; do
  holds "valid_$(basename "$file" .yaml)" promtool check rules --lint=all --lint-fatal "$file"
done
for file in tests/operations/rules/*.test.yaml; do
  holds "rules_$(basename "$file" .test.yaml)" promtool test rules "$file"
done

# Routes.
AM=deploy/alertmanager/alertmanager.yaml
holds alertmanager_config amtool check-config "$AM"
routed() { [ "$(amtool config routes test --config.file "$AM" "priority=$1" 2>/dev/null)" = "$2" ]; }
holds route_P1_on_call routed P1 on-call
holds route_P2_team routed P2 team
holds route_P3_review routed P3 review
AM_PORT=$(free_port)
# It reads its own templates where the package would have put them, so it sees a /usr/share that has them.
# shellcheck disable=SC2016
start alertmanager unshare --map-root-user --mount bash -c 'mount -t overlay overlay -o "lowerdir=$0:/usr/share" /usr/share && exec "$@"' \
  "$PEERS_DIR/share/alertmanager/usr/share" prometheus-alertmanager --config.file="$AM" --storage.path="$WORK/am" --cluster.listen-address= \
  --web.listen-address="127.0.0.1:$AM_PORT"
if until_true 20 curl -sf "http://127.0.0.1:$AM_PORT/-/ready"; then
  cases inhibition python3 tests/operations/rules/inhibition.py "http://127.0.0.1:$AM_PORT"
else
  not_ok inhibition "$(cat "$WORK/alertmanager.log")"
fi

# A gateway with its state and its cache in Redis, what is asked of it, and a Prometheus that reads its metrics.
STATE=$(free_port) CACHE=$(free_port)
mkdir "$WORK/state" "$WORK/cache" "$WORK/rules"
start state redis-server --bind 127.0.0.1 --port "$STATE" --dir "$WORK/state" --appendonly yes --maxmemory 64mb
start cache redis-server --bind 127.0.0.1 --port "$CACHE" --dir "$WORK/cache" --save '' --maxmemory 64mb --maxmemory-policy allkeys-lru
cat >"$WORK/netweave.yaml" <<END
state: { kind: redis, url: "redis://127.0.0.1:$STATE" }
cache: { redis: { url: "redis://127.0.0.1:$CACHE" } }
END
start gateway gateway serve --dev -c "$WORK/netweave.yaml" --dir "$WORK/dev" --port 0 --ops-port 0
until_true 60 grep -q '^  Ops ' "$WORK/gateway.log" || { not_ok gateway "$(cat "$WORK/gateway.log")"; exit 1; }
API=$(sed -n 's#^  API *\(https://[^/]*\)/.*#\1#p' "$WORK/gateway.log")
OPS=$(sed -n 's#^  Ops *\(http://[^/]*\)/.*#\1#p' "$WORK/gateway.log")

PORT=$(free_port)
cp deploy/prometheus/rules/*.yaml deploy/prometheus/topology/dev.yaml "$WORK/rules"
sed -i 's/^    interval: .*/    interval: 1s/' "$WORK"/rules/*.yaml # as the rules are but for how often
cat >"$WORK/prometheus.yaml" <<END
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ["$WORK/rules/*.yaml"]
scrape_configs:
  - job_name: netweave-gateway
    static_configs: [{ targets: ["${OPS#http://}"] }]
END
holds prometheus_config promtool check config "$WORK/prometheus.yaml"
start prometheus prometheus --config.file="$WORK/prometheus.yaml" --storage.tsdb.path="$WORK/tsdb" --web.listen-address="127.0.0.1:$PORT"
until_true 30 curl -sf "http://127.0.0.1:$PORT/-/ready" || { not_ok prometheus "$(cat "$WORK/prometheus.log")"; exit 1; }

start listen gateway webhook listen --port 0 --answer 400 # what it is sent becomes a dead letter
until_true 10 grep -q 'listening on' "$WORK/listen.log"
SINK=$(sed -n 's#.*listening on \(http://[^/]*/\).*#\1#p' "$WORK/listen.log")
CONNECTION=(--dev --dir "$WORK/dev" --url "$API")
start watch gateway subs watch "${CONNECTION[@]}"
(gateway subs create "${CONNECTION[@]}" --callback "$SINK" -o json) >"$WORK/created" 2>&1 || not_ok subscribe "$(cat "$WORK/created")"
(gateway subs test "${CONNECTION[@]}" "$(sed -n 's/.*"subscriptionId": *"\([^"]*\)".*/\1/p' "$WORK/created" | head -n 1)") >/dev/null

traffic() { # reads of every class, a handshake that fails, certificates that are read again; the inventory changes
  local curl=(curl -s -o /dev/null --cacert "$WORK/dev/ca.crt" --cert "$WORK/dev/smo.crt" --key "$WORK/dev/smo.key")
  local at=$API/o2ims-infrastructureInventory/v2 n=0 names=(resourcePools resourceTypes deploymentManagers locations nothing)
  while :; do
    n=$((n + 1))
    "${curl[@]}" "${names[@]/#/$at/}" "$API/healthz" || true
    curl -s -o /dev/null "$API/healthz" || true # does not believe the gateway's authority
    [ $((n % 4)) -ne 0 ] || {
      sed "s/ in the south of Stockholm.*/ in the south of Stockholm, $n/" "$WORK/dev/inventory.yaml" >"$WORK/dev/inventory.next"
      mv "$WORK/dev/inventory.next" "$WORK/dev/inventory.yaml"
    }
    [ $((n % 20)) -ne 5 ] || kill -HUP "$pid_gateway"
    sleep 0.3
  done
}
start traffic traffic

cases rules python3 tests/operations/rules/check.py names "$ROOT" "http://127.0.0.1:$PORT" "$OPS"
cases runbooks python3 tests/operations/rules/runbooks.py "$ROOT" "http://127.0.0.1:$PORT" "$NETWEAVE_BIN"
cases live python3 tests/operations/rules/check.py live "$ROOT" "http://127.0.0.1:$PORT" "$OPS"

# What is broken is told.
kill "$pid_state"
cases outage python3 tests/operations/rules/check.py outage "$ROOT" "http://127.0.0.1:$PORT" "$OPS"
done_with_cases
