#!/usr/bin/env bash
# Builds netweave and runs it on development defaults: mutual TLS with certificates of its own, a sample inventory.
#
#   deploy/dev.sh                      serve the sample, which changes now and then
#   deploy/dev.sh --kubeconfig FILE    serve that cluster instead
#   deploy/dev.sh [netweave arguments] see `netweave serve --help`
#
# Needs Rust. Installs cmake, a C compiler and curl where they are missing (Debian, as root or through sudo). State and
# certificates go to .netweave/dev in the folder where it is called. The second start builds nothing, reuses them, and
# needs no network. PROFILE=release builds as it is shipped, which takes several times as long and is for measuring:
# unoptimised, the gateway is ready just as fast and answers in a millisecond or two.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$ROOT/deploy/needs.sh"
PROFILE=${PROFILE:-dev}

command -v cargo >/dev/null || { echo "dev.sh: needs Rust (cargo)" >&2; exit 1; }
needs_to_build
needs curl:curl # for the lines that are printed
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
built=$CARGO_TARGET_DIR/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")/netweave
[ -x "$built" ] || echo "building netweave; the first time this takes some minutes" >&2
cargo build --quiet --locked --manifest-path "$ROOT/Cargo.toml" --profile "$PROFILE" -p netweave
exec "$built" serve --dev "$@"
