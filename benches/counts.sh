#!/usr/bin/env bash
# Counts instructions and allocations of the hot path under valgrind and compares them with benches/counts/baseline.txt.
#
#   benches/counts.sh           fails if one has grown; a line for each
#   benches/counts.sh --write   writes the baseline
#
# The development profile is counted, with itself: another compiler or other flags want another baseline. Who allocates in a
# request is in target/bench/allocations.txt afterwards.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh

case ${1:-} in
  "") what=check ;;
  --write) what=write ;;
  *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' benches/counts.sh; exit 2 ;;
esac
needs_to_build
needs valgrind:valgrind,libc6-dbg
export CARGO_TARGET_DIR
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
cargo build --workspace --locked --examples
mkdir -p "$CARGO_TARGET_DIR/bench"
"$CARGO_TARGET_DIR/debug/examples/counts" "$what" benches/counts/baseline.txt "$CARGO_TARGET_DIR/bench/allocations.txt"
