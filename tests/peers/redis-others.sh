#!/usr/bin/env bash
# Makes the other servers that the gateway's Redis store works with: bin/valkey-server (Valkey 8.0) and bin/redis-server-8
# (Redis 8.0). Both come from later suites of Debian 12 than its own; that of Debian 13 brings its own C library.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
bash "$(dirname "${BASH_SOURCE[0]}")/redis.sh" # for the libraries that all three share
mkdir -p "$DIR/bin"
DIR=$(cd "$DIR" && pwd)
VALKEY=$DIR/share/valkey REDIS=$DIR/share/redis-8
unpacked_from bookworm-backports "$VALKEY" valkey-tools
unpacked_from trixie "$REDIS" redis-tools libc6 libstdc++6 libgcc-s1 libssl3t64 libatomic1 libzstd1

ln -sf "$VALKEY/usr/bin/valkey-check-rdb" "$DIR/bin/valkey-server"
LIB=usr/lib/x86_64-linux-gnu
cat >"$DIR/bin/redis-server-8" <<EOF
#!/bin/sh
exec "$REDIS/$LIB/ld-linux-x86-64.so.2" --library-path "$REDIS/$LIB:/$LIB" --argv0 redis-server "$REDIS/usr/bin/redis-check-rdb" "\$@"
EOF
chmod +x "$DIR/bin/redis-server-8"
for program in valkey-server redis-server-8; do "$DIR/bin/$program" --version; done
