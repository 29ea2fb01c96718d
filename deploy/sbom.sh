#!/usr/bin/env bash
# Writes what the gateway is made of as CycloneDX (JSON, version 1.5): every package, with version, licence and checksum.
#
#   deploy/sbom.sh [FILE]    default: target/sbom/netweave.cdx.json
#
# Needs Rust; installs cargo-cyclonedx under target/ where it is missing. The packages are those of Cargo.lock for this machine's
# target and the default features; build dependencies are left out, as nothing of them is in the program.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
VERSION=0.5.9
TOOLS=${CARGO_TARGET_DIR:-$PWD/target}/tools
OUT=${1:-${CARGO_TARGET_DIR:-$PWD/target}/sbom/netweave.cdx.json}

tool=$TOOLS/bin/cargo-cyclonedx
if ! [ -x "$tool" ] || [ "$("$tool" cyclonedx --version)" != "cargo-cyclonedx-cyclonedx $VERSION" ]; then
  echo "installing cargo-cyclonedx $VERSION into $TOOLS (about 80 s of CPU)" >&2
  CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-cyclonedx --version "=$VERSION" --locked --debug --root "$TOOLS" \
    --target-dir "$TOOLS/build"
  rm -rf "$TOOLS/build"
fi
target=$(rustc -vV | sed -n 's/^host: //p')
# It writes beside each manifest of the workspace, under one name; only the gateway's file is kept.
name=sbom-$$
trap 'find . -maxdepth 4 -name "$name*.json" -not -path "./target/*" -delete' EXIT
"$tool" cyclonedx --manifest-path proxy/Cargo.toml --format json --spec-version 1.5 --target "$target" \
  --no-build-deps --override-filename "$name" >&2
mkdir -p "$(dirname "$OUT")"
# References to our own crates begin with where they lie; only the place within the repository says anything.
sed "s|path+file://$PWD/|path+file:|g" "proxy/$name.json" >"$OUT"
echo "$OUT"
