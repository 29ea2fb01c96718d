#!/usr/bin/env bash
# Lists the same clouds with the gateway's backends and with other clients, and compares every field: the AWS SDK for Rust,
# Google's client for Rust, and vim_rs. Prints the table; ends with an error on any difference.
#
#   tests/oracles/run.sh
#
# Needs Rust, Go and Python 3. The clients are large: the first build takes 12 minutes of CPU, 3 GB of disk and up to 7 GB of
# memory, and a workspace of its own, so that nothing else waits for it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export PEERS_DIR=${PEERS_DIR:-$CARGO_TARGET_DIR/peers}
bash tests/peers/moto.sh
bash tests/peers/compute.sh
bash tests/peers/build.sh vcsim
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/oracles
cargo fmt --check --manifest-path tests/oracles/Cargo.toml
cargo test --locked --quiet --manifest-path tests/oracles/Cargo.toml
cargo run --locked --quiet --manifest-path tests/oracles/Cargo.toml
