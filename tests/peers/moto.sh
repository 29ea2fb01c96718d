#!/usr/bin/env bash
# Puts moto (EC2, Auto Scaling, STS and IAM on loopback) into a Python environment of its own, share/moto, and its server
# into bin/moto_server. The tests start it themselves. Does nothing when what moto.txt names is there.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/bin" "$DIR/share"
DIR=$(cd "$DIR" && pwd)
if ! cmp -s "$HERE/moto.txt" "$DIR/share/moto/.stamp"; then
  needs python3:python3,python3-venv
  python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
  echo "installing moto" >&2
  python3 -m venv --clear "$DIR/share/moto"
  "$DIR/share/moto/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$HERE/moto.txt"
  cp "$HERE/moto.txt" "$DIR/share/moto/.stamp"
fi
ln -sf "$DIR/share/moto/bin/moto_server" "$DIR/bin/moto_server"
