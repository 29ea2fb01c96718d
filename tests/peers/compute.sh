#!/usr/bin/env bash
# Makes bin/compute-python: Python with Google's own library, in an environment of its own under share/. With it run the
# Compute Engine of the tests (compute/fake.py) and the official client (compute/oracle.py).
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/bin" "$DIR/share"
DIR=$(cd "$DIR" && pwd)
SPEC=google-api-python-client==2.202.0
VENV=$DIR/share/compute

if [ "$(cat "$VENV/.stamp" 2>/dev/null)" != "$SPEC" ]; then
  python3 -c 'import ensurepip' 2>/dev/null || needs no-python-with-venv:python3-venv
  echo "installing $SPEC" >&2
  python3 -m venv --clear "$VENV"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check "$SPEC"
  echo "$SPEC" >"$VENV/.stamp"
fi
printf '#!/bin/sh\nexec "%s" "$@"\n' "$VENV/bin/python" >"$DIR/bin/compute-python.new"
chmod 755 "$DIR/bin/compute-python.new"
mv "$DIR/bin/compute-python.new" "$DIR/bin/compute-python"
