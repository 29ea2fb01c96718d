#!/usr/bin/env bash
# Sets up every peer and runs every test.
#
#   tests/run.sh                every suite
#   tests/run.sh SUITE...       only these: unit, counts, it, edge, security, durability, faults, zero-drop, backends, kubernetes, operations, oracles
#   tests/run.sh [...] --full   with the counts that the published figures need, and with oracles, which else runs only if named
#
# Needs Rust, Go and Python 3. Installs the rest where it is missing, and says so: Debian packages (as root or through sudo),
# cargo-deny, and the peers of tests/peers. All of it stays under target/, so that the second run is quick and needs
# no network. Each suite ends with a line `SUITE: cases=N failed=N key=value ...`; the exit code is 0 only if all held.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh

ALL=(unit counts it edge security durability faults zero-drop backends kubernetes operations)
SUITES=()
FULL=
for arg; do
  case $arg in
    --full) FULL=1 ;;
    unit | counts | it | edge | security | durability | faults | zero-drop | backends | kubernetes | operations | oracles) SUITES+=("$arg") ;;
    *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' tests/run.sh; exit 2 ;;
  esac
done
[ ${#SUITES[@]} -gt 0 ] || SUITES=("${ALL[@]}" ${FULL:+oracles})

export CARGO_TARGET_DIR
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export PEERS_DIR=$CARGO_TARGET_DIR/peers
export NETWEAVE_REQUIRE_PEERS=1 # a peer that is not there is a failure, never a skip
OUT=$CARGO_TARGET_DIR/run
mkdir -p "$OUT"
[ -z "$FULL" ] || export NETWEAVE_FULL=1
DENY_VERSION=0.20.2
# One selection for every cargo call, so that features are unified once and nothing is built twice.
CARGO=(--workspace --locked)

bad=0    # suites that did not hold
steps=() # of the running suite: those that failed
cases=0 failed=0

say() { echo "== $*" >&2; }

# Runs one step of a suite; a failure is counted and the suite goes on, so that one run shows every fault.
step() { # name command...
  local name=$1; shift
  say "$name"
  local start=$SECONDS
  "$@" || { steps+=("$name"); echo "!! $name failed" >&2; echo "$name failed" >>"$MISSED"; }
  say "$name took $((SECONDS - start)) s"
}

# Runs a test step and adds what libtest counted. A step in which no test ran has failed: a filter no longer fits.
tests() { # name command...
  local name=$1; shift
  local log=$OUT/$name.log
  step "$name" logged "$log" "$@"
  local p f
  p=$(total passed "$log") f=$(total failed "$log")
  cases=$((cases + p + f)) failed=$((failed + f))
  awk '/^test .* FAILED$/ { failed[$2] }
    /^---- .* stdout ----$/ { test = $2 }
    / panicked at / && !(test in why) { getline; why[test] = $0 }
    END { for (test in failed) print test ": " why[test] }' "$log" >>"$MISSED"
  [ $((p + f)) -gt 0 ] || [ "$name" = doc ] || { steps+=("$name"); echo "!! $name ran no test" >&2; }
  sed -n 's/.*figure: //p' "$log" >>"$NETWEAVE_FIGURES"
}
logged() { local log=$1; shift; "$@" 2>&1 | tee "$log"; }
total() { sed -n "s/^test result:.* \([0-9]*\) $1.*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'; }

suite() { # name
  cases=0 failed=0 steps=() counted=cases first=
  export NETWEAVE_FIGURES=$OUT/$1.figures
  : >"$NETWEAVE_FIGURES"
  MISSED=$OUT/$1.missed
  : >"$MISSED"
  "suite_$1"
  [ ${#steps[@]} -eq 0 ] || [ "$failed" -gt 0 ] || failed=${#steps[@]} # lints, dead processes: nothing that libtest counts
  [ "$failed" -eq 0 ] || bad=$((bad + 1))
  if [ -n "$first" ]; then first="$first failed=$failed $counted=$cases"; else first="$counted=$cases failed=$failed"; fi
  echo "$1: $first $(tr '\n' ' ' <"$NETWEAVE_FIGURES")" | sed 's/ *$//' | tee "$OUT/$1.summary"
}

# Builds the gateway and every test once; the suites get the gateway's path.
build() {
  [ -z "${NETWEAVE_BIN:-}" ] || return 0
  step "building the gateway and the tests" build_all
}
build_all() {
  # A copy, so that another build beside this run cannot swap it under a test.
  cargo build "${CARGO[@]}" --bins --tests &&
    install -m 755 "$CARGO_TARGET_DIR/debug/netweave" "$OUT/netweave" &&
    export NETWEAVE_BIN=$OUT/netweave
}

cargo_deny() {
  local tools=$CARGO_TARGET_DIR/tools
  local bin=$tools/bin/cargo-deny
  if ! [ -x "$bin" ] || [ "$("$bin" --version)" != "cargo-deny $DENY_VERSION" ]; then
    say "installing cargo-deny $DENY_VERSION into $tools (about 80 s of CPU)"
    # Unoptimised, without debug information: it runs for a second, it need not be fast.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version "=$DENY_VERSION" --locked --debug --no-default-features \
      --root "$tools" --target-dir "$tools/build" || return
    rm -rf "$tools/build"
  fi
  "$bin" --workspace check --hide-inclusion-graph bans licenses sources || return
  echo "advisories were not checked: their database is not reachable from everywhere this runs"
}

# Each backend and store alone, and none: whoever builds for one infrastructure pays for no other.
features() {
  local feature
  for feature in "" aws embedded file gcp kubernetes memory redis vmware; do
    lone netweave-adapters "$feature" || return
  done
  for feature in "" aws gcp kubernetes vmware heap-profile; do lone netweave "$feature" || return; done
}
lone() { # package feature
  say "$1 with ${2:-no feature}"
  # What others would use may lie idle, so nothing is denied here.
  cargo check --locked --quiet -p "$1" --no-default-features --features "$2"
}

redis() { step redis bash tests/peers/redis.sh; }
compute() { step compute bash tests/peers/compute.sh; }
moto() { step moto bash tests/peers/moto.sh; }
scanners() { step scanners bash tests/peers/scanners.sh; }
vcsim() { step vcsim bash tests/peers/build.sh vcsim; }

# Runs the tests of a target that need a Redis once more, on the other servers; their figures are not the published ones.
others() { # target filter...
  local target=$1 server
  shift
  [ -n "$FULL" ] || return 0
  step other-servers bash tests/peers/redis-others.sh
  for server in redis-server-8 valkey-server; do
    tests "$target-$server" env -u NETWEAVE_FULL NETWEAVE_FIGURES=/dev/null REDIS_SERVER=$server \
      cargo test "${CARGO[@]}" --test "$target" -- "$@"
  done
}

suite_unit() {
  step fmt cargo fmt --all --check
  step clippy cargo clippy "${CARGO[@]}" --all-targets --quiet -- -D warnings
  step deny cargo_deny
  [ -z "$FULL" ] || { step features features; tests heap-profile cargo test --locked -p netweave --features heap-profile --lib control::heap; }
  build
  moto # the model of the services comes with it
  tests unit cargo test "${CARGO[@]}" --lib --bins --no-fail-fast
  redis
  compute
  # The backends with their peers run in `backends`.
  tests conformance cargo test "${CARGO[@]}" --test conformance -- --skip backend::
  others conformance redis switch parts pages failover
  tests doc cargo test "${CARGO[@]}" --doc --no-fail-fast
}

# Instructions and allocations of the hot path, against those that are written down; the development profile is what is built here
# anyway, so that it costs a link.
suite_counts() { lines counts bash benches/counts.sh; }

suite_it() {
  build
  redis
  compute
  moto
  vcsim
  tests it cargo test "${CARGO[@]}" --test it -- --show-output
  others it lab:: pods::
}
suite_edge() {
  build
  tests edge cargo test "${CARGO[@]}" --test edge -- --show-output
  [ -n "$FULL" ] || return 0
  step release deploy/release.sh
  tests edge-shipped env NETWEAVE_FIGURES=/dev/null NETWEAVE_BIN="$CARGO_TARGET_DIR/shipped/netweave" cargo test "${CARGO[@]}" --test edge
}
suite_durability() { build; redis; tests durability cargo test "${CARGO[@]}" --test durability -- --show-output; }

suite_security() {
  build
  redis
  scanners
  tests security cargo test "${CARGO[@]}" --test security -- --show-output
  [ -z "$FULL" ] || { compute; moto; vcsim; tests it-confined confined; step sbom sbom; }
  # A line of a table for one client is a check, and so is a test without tables.
  counted=checks cases=$((cases + $(awk -F= '$1 == "checks" { n += $2 } END { print n + 0 }' "$NETWEAVE_FIGURES")))
  sed -i 's/^checks=[0-9]* *//; /^$/d' "$NETWEAVE_FIGURES"
  summed "$NETWEAVE_FIGURES"
}

# The suite `it` once more, with the gateway under its seccomp profile; its figures are not the published ones. Left out
# is what starts a script of a source tree, as no container has one.
confined() {
  local starter=$OUT/netweave-confined
  printf '#!/bin/sh\nexec %q %q %q "$@"\n' "$CARGO_TARGET_DIR/debug/confined" "$PWD/deploy/seccomp/netweave.json" "$NETWEAVE_BIN" >"$starter"
  chmod +x "$starter"
  env -u NETWEAVE_FULL NETWEAVE_FIGURES=/dev/null NETWEAVE_BIN="$starter" cargo test "${CARGO[@]}" --test it -- --skip bench::profiles_are_those_of_the_source_tree
}

# The bill of materials names every package that cargo links, each with its licence, and no place of this machine. It names a few
# more: what features bring in that only other members of the workspace ask for.
sbom() {
  local file tree
  file=$(bash deploy/sbom.sh) &&
    tree=$(cargo tree -p netweave --locked -e normal --prefix none --target "$(rustc -vV | sed -n 's/^host: //p')") &&
    ! grep -q "$PWD" "$file" &&
    python3 - "$file" 3<<<"$tree" <<'PYTHON'
import json, os, sys
bill = json.load(open(sys.argv[1]))
listed = {(one["name"], one["version"]) for one in bill["components"]}
linked = {(line.split()[0], line.split()[1][1:]) for line in os.fdopen(3) if line.strip()} - {(bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"])}
unlicensed = [one["name"] for one in bill["components"] if not one.get("licenses")]
print(f"listed {len(listed)}, missing {sorted(linked - listed)}, without licence {unlicensed}")
sys.exit(bool(linked - listed or unlicensed or not linked))
PYTHON
}

suite_faults() {
  build
  redis
  step faketime bash tests/peers/faketime.sh
  [ -z "$FULL" ] || export NETWEAVE_DOCS=$PWD/docs
  tests faults cargo test "${CARGO[@]}" --test faults -- --show-output --test-threads=1 --skip zero_drop:: --skip table::
  tests table cargo test "${CARGO[@]}" --test faults -- table::
  summed "$NETWEAVE_FIGURES"
}

suite_zero-drop() { build; redis; tests zero-drop cargo test "${CARGO[@]}" --test faults -- --show-output zero_drop::; }

# Adds up the figures that several tests have in common; what only one has stays as it is.
summed() { # file
  local sums
  sums=$(tr ' ' '\n' <"$1" | awk -F= '!($1 in n) { order[++m] = $1 } { n[$1] += $2 } END { for (i = 1; i <= m; i++) print order[i] "=" n[order[i]] }')
  echo "$sums" >"$1"
}

# Every case of the suite of backends on every backend with its peer, as a table. What is skipped is known beforehand.
suite_backends() {
  local matrix=$OUT/backends.matrix figures
  : >"$matrix"
  build
  step peers bash tests/peers/build.sh kube-apiserver etcd kwok vcsim
  moto
  compute
  tests backends env NETWEAVE_MATRIX="$matrix" cargo test "${CARGO[@]}" --test conformance -- --test-threads=2 backend::
  step skips diff <(sort tests/conformance/backend/skips.txt) <(sed -n 's/ skipped / /p' "$matrix" | sort)
  matrix "$matrix"
  # Cases are those of the matrix; what else failed beside it counts, too.
  cases=$(($(outcomes passed "$matrix") + $(outcomes failed "$matrix")))
  figures=$(cat "$NETWEAVE_FIGURES")
  printf '%s\n' "skipped=$(outcomes skipped "$matrix")" "$figures" >"$NETWEAVE_FIGURES"
}
outcomes() { awk -v outcome="$1" '$3 == outcome { n++ } END { print n + 0 }' "$2"; }
matrix() { # file
  awk '
    { if (!($1 in b)) { b[$1]; backends[++n] = $1 } if (!($2 in c)) { c[$2]; names[++m] = $2 } cell[$1, $2] = $3 }
    END {
      printf "%-44s", "case"; for (i = 1; i <= n; i++) printf " %-22s", backends[i]; print ""
      for (j = 1; j <= m; j++) {
        printf "%-44s", names[j]
        for (i = 1; i <= n; i++) printf " %-22s", ((backends[i], names[j]) in cell) ? cell[backends[i], names[j]] : "-"
        print ""
      }
    }' "$1"
}

suite_kubernetes() {
  local peers=(kube-apiserver etcd kwok)
  [ -z "$FULL" ] || peers+=(kube-apiserver-1.30)
  build
  step peers bash tests/peers/build.sh "${peers[@]}"
  tests kubernetes-backend cargo test "${CARGO[@]}" --test conformance -- "${CLUSTER[@]}"
  tests kubernetes cargo test "${CARGO[@]}" --test kubernetes -- --show-output --test-threads=1
  [ -n "$FULL" ] || return 0
  # Both lack streaming lists, each in its own way; small counts will do, the large ones ran above.
  step debian-etcd bash tests/peers/debian-etcd.sh
  old 1.30 KUBE_APISERVER=kube-apiserver-1.30
  old etcd-3.4 ETCD=etcd-debian
}
# The conformance cases that start a control plane, one after another.
CLUSTER=(backend::cluster --test-threads=1)
old() { # name NAME=value for kube.sh; figures of these runs are not the published ones
  local old=(env -u NETWEAVE_FULL NETWEAVE_FIGURES=/dev/null "$2" cargo test "${CARGO[@]}")
  tests "kubernetes-backend-$1" "${old[@]}" --test conformance -- "${CLUSTER[@]}"
  tests "kubernetes-$1" "${old[@]}" --test kubernetes -- --test-threads=1
}

# Each script of tests/operations but their library prints its cases, `ok NAME` or `not ok NAME reason`.
suite_operations() {
  local script name figures
  build
  step peers bash tests/peers/build.sh kube-apiserver etcd kwok kube-controller-manager kube-scheduler helm kubectl
  step python bash tests/peers/operations.sh
  for script in tests/operations/*.sh; do
    name=$(basename "$script" .sh)
    [ "$name" = lib ] || lines "$name" bash "$script"
  done
  [ -z "$FULL" ] || { lines cluster-1.30 oldest_cluster; lines jaeger bash tests/operations/full/jaeger.sh; }
  figures=$(tr '\n' ' ' <"$NETWEAVE_FIGURES")
  first="requirements=$(value requirements "$figures") open=$(value open "$figures") commands=$(value commands "$figures")"
  tr ' ' '\n' <<<"$figures" | grep -vE '^((requirements|open|commands)=.*)?$' >"$NETWEAVE_FIGURES" || true
}
# Runs a step that prints its cases; one without a case has failed.
lines() { # name command...
  local log=$OUT/lines-$1.log p f
  step "$1" logged "$log" "${@:2}"
  sed -n 's/^figure: //p' "$log" >>"$NETWEAVE_FIGURES"
  p=$(grep -c '^ok ' "$log") || true
  f=$(grep '^not ok ' "$log" | tee -a "$MISSED" | grep -c .) || true
  cases=$((cases + p + f)) failed=$((failed + f))
  [ $((p + f)) -gt 0 ] || { steps+=("$1"); echo "!! $1 ran no case" >&2; }
}
# The oldest release that the chart promises.
oldest_cluster() { bash tests/peers/build.sh kube-apiserver-1.30 && KUBE_APISERVER=kube-apiserver-1.30 bash tests/operations/cluster.sh; }

# The backends of the clouds beside other clients, in a workspace of its own; cases are objects.
suite_oracles() {
  local log=$OUT/oracles.log figures
  [ -z "$FULL" ] || export NETWEAVE_DOCS=$PWD/docs
  step oracles logged "$log" bash tests/oracles/run.sh
  figures=$(sed -n 's/^figure: //p' "$log")
  cases=$(value cases "$figures") failed=$(value failed "$figures")
  echo "fields=$(value fields "$figures") different=$(value different "$figures")" >"$NETWEAVE_FIGURES"
}
value() { local of=" $2"; of=${of##* "$1"=}; of=${of%% *}; echo "${of:-0}"; } # key "key=value ..."; 0 if nothing was said

needs_to_build
needs curl:curl openssl:openssl python3:python3,python3-venv
command -v cargo >/dev/null || { echo "run.sh: needs Rust (cargo)" >&2; exit 1; }
case " ${SUITES[*]} " in *" it "* | *" backends "* | *" kubernetes "* | *" operations "* | *" oracles "*) command -v go >/dev/null || { echo "run.sh: the suites it, backends, kubernetes, operations and oracles need Go" >&2; exit 1; } ;; esac

for s in "${SUITES[@]}"; do suite "$s"; done
[ ${#SUITES[@]} -eq 1 ] || for s in "${SUITES[@]}"; do cat "$OUT/$s.summary"; done
# Last, because of a long output the end is what is kept and read.
for s in "${SUITES[@]}"; do sed "s/^/!! $s: /" "$OUT/$s.missed" | cut -c 1-400; done
[ "$bad" -eq 0 ]
