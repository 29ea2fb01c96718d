#!/usr/bin/env bash
# Measures release builds. Reports go to target/bench as a page (HTML), Markdown and JSON; the last line has the figures.
#
#   benches/run.sh cache-hit    a cached GET through the whole chain over mTLS, HTTP/1.1 and HTTP/2, beside nginx under the same duties and
#                               a bare hyper server
#   benches/run.sh cache-second-level [--full]
#                               three gateways and the cache they share: what a hit costs, hit ratio under changes for one minute (ten
#                               with --full), and how soon a change is visible in all of them
#   benches/run.sh delivery     notifications: from the commit of a change to the answers of those who are told, on Redis and embedded
#   benches/run.sh inventory    1,000, 10,000 and 100,000 resources: memory, cold start, filter, change
#   benches/run.sh idle         the sample gateway when nobody asks
#   benches/run.sh list-filter  filters that are in no cache, over 1,000, 10,000 and 100,000 resources
#   benches/run.sh mtls-handshake
#                               full and resumed handshakes, beside nginx and hyper
#   benches/run.sh connections  10,000 idle connections, beside nginx and hyper
#   benches/run.sh read-heavy   four reads to one subscription that is made, read or deleted; on Redis
#   benches/run.sh subscription-heavy
#                               four subscriptions to one read; on Redis
#   benches/run.sh small        one pool of 40 resources: every read, and a filter that is in no cache
#   benches/run.sh sizes        100m/128Mi, 500m/512Mi and 1000m/1Gi, held by control groups (as root): memory, CPU and the objectives under
#                               load; NETWEAVE_FULL=1 for two minutes each
#
# Needs Rust; unpacks Debian's nginx into target/tools where it is compared with, and installs its redis-tools for the benches with a Redis, where they are missing. The first release build takes several minutes.
# Run it on an otherwise idle machine: the figures are CPU time and latency.
#
# Options of every bench:
#   --runs N         measures N times; the reports of all runs are kept in target/bench/runs/BENCH/TIME
#   --flame          before, records by perf where the gateway spends its CPU time, in a round that is not counted; the page shows it
#   --save-baseline  keeps the figures in target/bench/baselines, by the machine's processor and cores
#   --baseline       compares with those
# And without a bench: --list prints the names, `compare BEFORE AFTER` compares reports, as `netweave bench compare` does.
#
# Exits 1 if a rate was not kept because the load generator was too slow: the report is then marked INVALID. Ctrl-C ends a bench with the
# report as far as it got, and 130.
set -euo pipefail

from=$PWD # paths of `compare` are those of the caller
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
# Each bench with what it measures, one a line; in the usage a line that is indented further goes on.
list() {
  usage | awk '
    function flush() { if (name) { gsub(/ +/, " ", text); printf "%-20s%s\n", name, text }; name = "" }
    /^  benches\/run\.sh / { flush(); name = $2; $1 = $2 = ""; text = $0; next }
    /^                    / { text = text " " $0; next }
    { flush() }'
}
runs=1 flame='' baseline='' own=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --list) list; exit 0 ;;
    --runs) runs=${2:?--runs N}; shift ;;
    --flame) flame=1 ;;
    --save-baseline) baseline=save ;;
    --baseline) baseline=compare ;;
    *) own+=("$1") ;;
  esac
  shift
done
set -- "${own[@]}"
[[ $runs =~ ^[1-9][0-9]{0,2}$ ]] && [ "$runs" -le 200 ] || { echo "--runs: write 1 to 200" >&2; exit 2; }

if [ "${1:-}" = compare ]; then
  shift
  netweave=${CARGO_TARGET_DIR:-$PWD/target}/release/netweave
  [ -x "$netweave" ] || { echo "$netweave is missing: any bench builds it" >&2; exit 2; }
  cd "$from"
  exec "$netweave" bench compare "$@"
fi
case ${1:-} in
  cache-hit | cache-second-level | connections | delivery | inventory | idle | list-filter | mtls-handshake | read-heavy | sizes | small | subscription-heavy) ;;
  *) usage; exit 2 ;;
esac

needs_to_build
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --locked -p netweave -p netweave-benches
export BENCH_NETWEAVE=$CARGO_TARGET_DIR/release/netweave BENCH_OUT=$CARGO_TARGET_DIR/bench
mkdir -p "$BENCH_OUT"
# Served files, certificates, logs and state in memory, so that no disk is measured; on disk where that is not to be had.
BENCH_FOLDER=$(mktemp -d -p "$([ "$1" != inventory ] && [ "$1" != list-filter ] && [ -w /dev/shm ] && echo /dev/shm || echo "$BENCH_OUT")" bench.XXXXXX)
export BENCH_FOLDER
trap 'rm -rf "$BENCH_FOLDER"' EXIT
case $1 in
  cache-hit | mtls-handshake | connections)
    unpacked nginx "$CARGO_TARGET_DIR/tools/nginx"
    export BENCH_NGINX=$CARGO_TARGET_DIR/tools/nginx/usr/sbin/nginx BENCH_FLOOR=$CARGO_TARGET_DIR/release/netweave-floor
    ulimit -n "$(ulimit -H -n)" # a connection takes a descriptor on both sides
    ;;
esac
case $1 in
  cache-second-level | delivery | read-heavy | sizes | subscription-heavy)
    export PEERS_DIR=$CARGO_TARGET_DIR/peers
    tests/peers/redis.sh
    export BENCH_REDIS=$PEERS_DIR/bin/redis-server
    ;;
esac

BENCH_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- 2>/dev/null || BENCH_COMMIT+=" with changes"
BENCH_RUSTC=$(rustc --version)
export BENCH_COMMIT BENCH_RUSTC
[ -z "$flame" ] || export BENCH_FLAME=1
load=$CARGO_TARGET_DIR/release/netweave-load
if [ "$runs" = 1 ] && [ -z "$baseline" ]; then
  "$load" "$@"
  exit
fi
kept=$BENCH_OUT/runs/$1/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$kept"
for ((run = 1; run <= runs; run++)); do
  "$load" "$@"
  cp "$BENCH_OUT/$1.json" "$kept/$(printf '%03d' "$run").json"
  rm -rf "${BENCH_FOLDER:?}"/*
done
echo "reports of all runs: $kept"
case $baseline in
  save) echo "baseline: $("$load" baseline "$kept"/*.json)" ;;
  compare)
    # Five runs and more are compared run by run, fewer by the rounds of the last one.
    after=$kept
    [ "$runs" -ge 5 ] || after=$BENCH_OUT/$1.json
    "$BENCH_NETWEAVE" bench compare "$("$load" baseline)" "$after"
    ;;
esac
echo "$1: $(sed -n 's/^  "summary": "\(.*\)",*$/\1/p' "$BENCH_OUT/$1.json")"
