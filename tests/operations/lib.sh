# shellcheck shell=bash
# Shared by the scripts of this folder: sourced, not run. Each prints one line per case, `ok NAME` or `not ok NAME reason`, and ends
# with `done_with_cases`, whose exit code is 0 only if all held.
#
# $NETWEAVE_BIN is the gateway, $PEERS_DIR/bin has the peers; $WORK is a folder of this script's own, gone at its end.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TESTS=$ROOT/tests/operations
CHART=$ROOT/deploy/helm/netweave-gateway
: "${PEERS_DIR:=$ROOT/target/peers}" "${NETWEAVE_BIN:=$ROOT/target/debug/netweave}"
PATH=$PEERS_DIR/bin:$PATH
PYTHON=$PEERS_DIR/share/operations/bin/python
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ENVIRONMENTS=(dev staging prod)
bad=0

ok() { echo "ok $1"; }
not_ok() { # name text: the text in one line
  bad=1
  echo "not ok $1 $(tail -n 8 <<<"$2" | tr -s '\n\t ' ' ' | cut -c 1-600)"
}

# The command must succeed.
holds() { # name command...
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "${out:-$*}"; fi
}

# The command must fail, and say this; a failure for another reason is no refusal.
refuses() { # name text command...
  local name=$1 text=$2 out
  shift 2
  if out=$("$@" 2>&1); then
    not_ok "$name" "was accepted"
  elif grep -qF -- "$text" <<<"$out"; then
    ok "$name"
  else
    not_ok "$name" "failed without '$text': $out"
  fi
}

# Passes on the lines of a program that prints cases itself; if it prints none, or dies, that is a failed case.
cases() { # name command...
  local name=$1 out code=0
  shift
  out=$("$@" 2>&1) || code=$?
  grep -E '^(not )?ok ' <<<"$out" || true
  if grep -q '^not ok ' <<<"$out"; then
    bad=1
  elif [ "$code" -ne 0 ] || ! grep -q '^ok ' <<<"$out"; then
    not_ok "$name" "no case was run: $out"
  fi
}

# Repeats a command until it succeeds, for so many seconds at most.
until_true() { # seconds command...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || { echo "not within its time: $*" >&2; return 1; }; sleep 0.1; done
}

done_with_cases() { exit "$bad"; }

# The gateway, without the variables of the tests, which it would take for keys of its configuration.
gateway() { env -i PATH="$PATH" "$NETWEAVE_BIN" "$@"; }

render() { # environment [helm flags]; to standard output
  local environment=$1
  shift
  helm template netweave-gateway "$CHART" --namespace o2ims-system --kube-version 1.30.0 --values "$CHART/values-$environment.yaml" --skip-tests "$@"
}
