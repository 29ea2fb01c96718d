#!/usr/bin/env bash
# Makes bin/redis-server from Debian's redis-tools, which has the program under the name of its checker and, other than
# the package redis-server, starts no service.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
needs redis-check-rdb:redis-tools
mkdir -p "$DIR/bin"
ln -sf "$(command -v redis-check-rdb)" "$DIR/bin/redis-server"
