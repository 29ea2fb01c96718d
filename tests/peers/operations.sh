#!/usr/bin/env bash
# Puts the Python of the suite `operations`, with what reads YAML, into share/operations. Does nothing when it is there.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/share"
DIR=$(cd "$DIR" && pwd)
if ! cmp -s "$HERE/operations.txt" "$DIR/share/operations/.stamp"; then
  needs python3:python3,python3-venv
  python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
  echo "installing a reader of YAML" >&2
  python3 -m venv --clear "$DIR/share/operations"
  "$DIR/share/operations/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$HERE/operations.txt"
  cp "$HERE/operations.txt" "$DIR/share/operations/.stamp"
fi
