#!/usr/bin/env bash
# Unpacks Debian's etcd (3.4 on Debian 12) as bin/etcd-debian: old enough to lack what streaming lists need.
#
# The package is only unpacked, never installed, so no service is set up.
set -euo pipefail

DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/bin"
DIR=$(cd "$DIR" && pwd)
[ ! -x "$DIR/bin/etcd-debian" ] || exit 0
echo "fetching Debian's etcd-server" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apt-get update -qq
(cd "$work" && apt-get download -qq etcd-server && dpkg -x etcd-server_*.deb .)
install -m 755 "$work/usr/bin/etcd" "$DIR/bin/etcd-debian"
