#!/usr/bin/env bash
# Measures release builds. Reports go to target/bench as a page (HTML), Markdown and JSON; the last line has the figures.
#
#   benches/run.sh cache-hit    a cached GET through the whole chain over mTLS, HTTP/1.1 and HTTP/2, beside nginx and HAProxy under the
#                               same duties and a bare hyper server
#   benches/run.sh cache-second-level [--full]
#                               three gateways and the cache they share: what a hit costs, hit ratio under changes for one minute (ten
#                               with --full), and how soon a change is visible in all of them
#   benches/run.sh cold-cache   10,000 keys by Zipf's law when nothing is cached: how long until nine of ten answers are hits, what a miss costs
#   benches/run.sh delivery     notifications: from the commit of a change to the answers of those who are told, on Redis and embedded
#   benches/run.sh failover     reads and writes while the primary of three Redis servers is killed: failed reads, the longest pause of writes
#   benches/run.sh fan-out      one change to 10,000 subscriptions: the first, the median and the last that is told, on Redis and embedded
#   benches/run.sh inventory    1,000, 10,000 and 100,000 resources: memory, cold start, filter, change
#   benches/run.sh idle         the sample gateway when nobody asks
#   benches/run.sh knobs        what each knob of the configuration costs or brings: the same load with its default and with other values, in turns
#   benches/run.sh list-filter  filters that are in no cache, over 1,000, 10,000 and 100,000 resources
#   benches/run.sh mtls-handshake
#                               full and resumed handshakes, beside nginx, HAProxy and hyper
#   benches/run.sh connections  10,000 idle connections, beside nginx, HAProxy and hyper
#   benches/run.sh notification-storm
#                               5,000 changes within a second to 50 subscriptions: how long until all are told, and the reads beside it
#   benches/run.sh read-heavy   four reads to one subscription that is made, read or deleted; on Redis
#   benches/run.sh subscription-heavy
#                               four subscriptions to one read; on Redis
#   benches/run.sh reload       constant load while the configuration is read again 20 times: failed requests, latency
#   benches/run.sh rotation     the same while the server's certificate is exchanged 20 times
#   benches/run.sh small        one pool of 40 resources: every read, and a filter that is in no cache
#   benches/run.sh sizes        100m/128Mi, 500m/512Mi and 1000m/1Gi, held by control groups (as root): memory, CPU and the objectives under
#                               load; NETWEAVE_FULL=1 for two minutes each
#   benches/run.sh sizing       what a gateway and its Redis need: 1,000 to 100,000 resources, 100 to 10,000 subscriptions, 200 to 4,000 reads
#                               per second
#   benches/run.sh soak [SECONDS]
#                               mixed load for ten minutes, or so long: memory from the start to the end, descriptors, threads
#   benches/run.sh start        from the start of the process to the first page, with 10,000 resources in Redis and in the embedded file
#
# cache-hit, mtls-handshake and connections have the Go gateway as a peer, too, where BENCH_GO_TREE=/path names its sources: it is built with the Go
# toolchain on the path (package BENCH_GO_PACKAGE, or the one of the tree's root) and started by the script BENCH_GO_START, which the report shows. It is given
# GATEWAY, HOST, PORT and FOLDER (with ca.crt, tls.crt, tls.key), and becomes the gateway (exec). BENCH_GO_PATHS=/a,/b is what it is asked for.
#
# Needs Rust; unpacks Debian's nginx and HAProxy into target/tools where they are compared with, and installs its redis-tools for the benches with a Redis, where they are missing. The first release build takes several minutes.
# Run it on an otherwise idle machine: the figures are CPU time and latency.
#
# Options of every bench:
#   --runs N         measures N times; the reports of all runs are kept in target/bench/runs/BENCH/TIME
#   --flame          before, records by perf where the gateway spends its CPU time, in a round that is not counted; the page shows it
#   --heap           before, looks at what lives on the gateway's heap when the load is over, in a round that is not counted, with a gateway that
#                    is built for it (feature heap-profile, profile heap); the report says which functions hold it
#   --shipped        measures the program that deploy/release.sh builds, which takes some twenty minutes, once for each commit; not with a
#                    baseline, which is of `cargo build --release`
#   --save-baseline  keeps the figures of five runs and more in target/bench/baselines, by the machine's processor and cores
#   --baseline       compares with those
# And without a bench: --list prints the names, `compare BEFORE AFTER` compares reports, as `netweave bench compare` does.
#
# Exits 1 if a rate was not kept because the load generator was too slow: the report is then marked INVALID. Ctrl-C ends a bench with the
# report as far as it got, and 130.
set -euo pipefail

from=$PWD # paths of `compare` and of the Go gateway are those of the caller
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh
export CARGO_TARGET_DIR
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' benches/run.sh; }
# Each bench with what it measures, one a line; in the usage a line that is indented further goes on.
list() {
  usage | awk '
    function flush() { if (name) { gsub(/ +/, " ", text); printf "%-20s%s\n", name, text }; name = "" }
    /^  benches\/run\.sh / { flush(); name = $2; $1 = $2 = ""; text = $0; next }
    /^                    / { text = text " " $0; next }
    { flush() }'
}
runs=1 flame='' heap='' shipped='' baseline='' own=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --list) list; exit 0 ;;
    --runs) runs=${2:?--runs N}; shift ;;
    --flame) flame=1 ;;
    --heap) heap=1 ;;
    --shipped) shipped=1 ;;
    --save-baseline) baseline=save ;;
    --baseline) baseline=compare ;;
    *) own+=("$1") ;;
  esac
  shift
done
set -- "${own[@]}"
[ -z "$shipped" ] || [ -z "$baseline" ] || { echo "--shipped: a baseline is of cargo build --release" >&2; exit 2; }
[[ $runs =~ ^[1-9][0-9]{0,2}$ ]] && [ "$runs" -le 200 ] || { echo "--runs: write 1 to 200" >&2; exit 2; }
[ "$baseline" != save ] || [ "$runs" -ge 5 ] || { echo "--save-baseline: five runs at least, which is --runs 5" >&2; exit 2; }

if [ "${1:-}" = compare ]; then
  shift
  netweave=$CARGO_TARGET_DIR/release/netweave
  [ -x "$netweave" ] || { echo "$netweave is missing: any bench builds it" >&2; exit 2; }
  cd "$from"
  exec "$netweave" bench compare "$@"
fi
case ${1:-} in
  cache-hit | cache-second-level | cold-cache | connections | delivery | failover | fan-out | inventory | idle | knobs | list-filter | mtls-handshake | \
    notification-storm | read-heavy | reload | rotation | sizes | sizing | small | soak | start | subscription-heavy) ;;
  *) usage; exit 2 ;;
esac

needs_to_build
cargo build --release --locked -p netweave -p netweave-benches
export BENCH_NETWEAVE=$CARGO_TARGET_DIR/release/netweave BENCH_OUT=$CARGO_TARGET_DIR/bench
if [ -n "$shipped" ]; then
  BENCH_NETWEAVE=$CARGO_TARGET_DIR/shipped/netweave stamp=$CARGO_TARGET_DIR/shipped/built-of
  built_of="$(git rev-parse HEAD 2>/dev/null) $(rustc --version)"
  [ -z "$(git status --porcelain 2>&1)" ] || built_of='' # no commit has it
  if [ -z "$built_of" ] || [ "$built_of" != "$(cat "$stamp" 2>/dev/null)" ]; then
    deploy/release.sh
    echo "$built_of" >"$stamp"
  fi
fi
mkdir -p "$BENCH_OUT"
# Served files, certificates, logs and state in memory, so that no disk is measured; on disk where that is not to be had.
BENCH_FOLDER=$(mktemp -d -p "$([ "$1" != inventory ] && [ "$1" != list-filter ] && [ -w /dev/shm ] && echo /dev/shm || echo "$BENCH_OUT")" bench.XXXXXX)
export BENCH_FOLDER
trap 'rm -rf "$BENCH_FOLDER"' EXIT
case $1 in
  cache-hit | mtls-handshake | connections)
    unpacked nginx "$CARGO_TARGET_DIR/tools/nginx"
    unpacked haproxy "$CARGO_TARGET_DIR/tools/haproxy" liblua5.3-0 libopentracing-c-wrapper0 libopentracing1
    export BENCH_NGINX=$CARGO_TARGET_DIR/tools/nginx/usr/sbin/nginx BENCH_HAPROXY=$CARGO_TARGET_DIR/tools/haproxy/usr/sbin/haproxy
    export BENCH_FLOOR=$CARGO_TARGET_DIR/release/netweave-floor
    if [ -z "${BENCH_GO_TREE:-}" ]; then
      echo 'BENCH_GO_TREE is not set: the Go gateway is left out'
    else
      command -v go >/dev/null || { echo 'BENCH_GO_TREE is set, but there is no Go toolchain' >&2; exit 1; }
      : "${BENCH_GO_START:?names the script that starts the Go gateway}" "${BENCH_GO_PATHS:?names what the Go gateway is asked for}"
      BENCH_GO_START=$(cd "$from" && realpath -e "$BENCH_GO_START")
      export BENCH_GO=$BENCH_OUT/go-gateway BENCH_GO_START BENCH_GO_PATHS
      (cd "$from" && cd "$BENCH_GO_TREE" && go build -trimpath -o "$BENCH_GO" "${BENCH_GO_PACKAGE:-.}")
    fi
    ulimit -n "$(ulimit -H -n)" # a connection takes a descriptor on both sides
    ;;
esac
case $1 in
  cache-second-level | cold-cache | delivery | failover | fan-out | knobs | notification-storm | read-heavy | sizes | sizing | soak | start | subscription-heavy)
    export PEERS_DIR=$CARGO_TARGET_DIR/peers
    tests/peers/redis.sh
    export BENCH_REDIS=$PEERS_DIR/bin/redis-server
    ;;
esac

BENCH_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- 2>/dev/null || BENCH_COMMIT+=" with changes"
[ -z "$shipped" ] || BENCH_COMMIT+=", as it is shipped"
BENCH_RUSTC=$(rustc --version)
export BENCH_COMMIT BENCH_RUSTC
[ -z "$flame" ] || export BENCH_FLAME=1
if [ -n "$heap" ]; then
  # Another allocator, and no link-time optimisation: that takes some minutes, once.
  cargo build --profile heap --locked -p netweave --features heap-profile
  export BENCH_HEAP=$CARGO_TARGET_DIR/heap/netweave
fi
load=$CARGO_TARGET_DIR/release/netweave-load
if [ "$baseline" = compare ]; then
  baseline_file=$("$load" baseline)
  [ -s "$baseline_file" ] || { echo "--baseline: $baseline_file is missing; --save-baseline makes it" >&2; exit 2; }
fi
rm -f "$BENCH_OUT/$1".{json,md,html} # what is there in the end is of this run

# Runs the bench to its end, also when this script is told to end: it stops its servers, and writes the report of what it has.
measure() {
  local code=0 child=
  trap '[ -z "$child" ] || kill -INT "$child" 2>/dev/null || true' INT
  trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true' TERM HUP QUIT
  "$load" "$@" &
  child=$!
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  trap - INT TERM HUP QUIT
  return "$code"
}
if [ "$runs" = 1 ] && [ -z "$baseline" ]; then
  measure "$@"
  exit
fi
kept=$BENCH_OUT/runs/$1/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$kept"
for ((run = 1; run <= runs; run++)); do
  measure "$@"
  cp "$BENCH_OUT/$1.json" "$kept/$(printf '%03d' "$run").json"
  rm -rf "${BENCH_FOLDER:?}"/*
done
echo "reports of all runs: $kept"
code=0
case $baseline in
  save)
    baseline_file=$("$load" baseline "$kept"/*.json)
    echo "baseline: $baseline_file"
    ;;
  compare)
    # Five runs and more are compared run by run, fewer by the rounds of the last one.
    after=$kept
    [ "$runs" -ge 5 ] || after=$BENCH_OUT/$1.json
    "$BENCH_NETWEAVE" bench compare "$baseline_file" "$after" || code=$?
    ;;
esac
echo "$1: $(sed -n 's/^  "summary": "\(.*\)",*$/\1/p' "$BENCH_OUT/$1.json")"
exit "$code"
