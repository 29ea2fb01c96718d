#!/usr/bin/env bash
# Fetches Debian's etcd (3.4 on Debian 12) as bin/etcd-debian: old enough to lack what streaming lists need.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
unpacked etcd-server "$DIR/share/etcd-server"
install -D -m 755 "$DIR/share/etcd-server/usr/bin/etcd" "$DIR/bin/etcd-debian"
