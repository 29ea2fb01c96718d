#!/usr/bin/env bash
# Puts the Python of the suite `operations`, with what reads YAML, into share/operations. Does nothing when it is there.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/share"
DIR=$(cd "$DIR" && pwd)
python_packages "$HERE/operations.txt" "$DIR/share/operations"
