#!/usr/bin/env bash
# Fetches Debian's libfaketime as bin/libfaketime.so: a process into which it is loaded has another time of day.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
unpacked libfaketime "$DIR/share/libfaketime"
mkdir -p "$DIR/bin"
ln -sf "$(find "$(cd "$DIR" && pwd)/share/libfaketime" -name libfaketimeMT.so.1)" "$DIR/bin/libfaketime.so"
