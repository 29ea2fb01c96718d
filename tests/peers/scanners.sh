#!/usr/bin/env bash
# Makes bin/sslscan and bin/testssl from Debian's packages: what they find of a TLS server is held against its profile.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
DIR=${PEERS_DIR:-./target/peers}
needs sslscan:sslscan testssl:testssl.sh
mkdir -p "$DIR/bin"
for program in sslscan testssl; do ln -sf "$(command -v "$program")" "$DIR/bin/$program"; done
