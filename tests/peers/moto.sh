#!/usr/bin/env bash
# Puts moto (EC2, Auto Scaling, STS and IAM on loopback) into a Python environment of its own, share/moto, and its server
# into bin/moto_server. The tests start it themselves. Does nothing when what moto.txt names is there.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/bin" "$DIR/share"
DIR=$(cd "$DIR" && pwd)
python_packages "$HERE/moto.txt" "$DIR/share/moto"
ln -sf "$DIR/share/moto/bin/moto_server" "$DIR/bin/moto_server"
