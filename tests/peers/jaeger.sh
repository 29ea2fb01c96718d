#!/usr/bin/env bash
# Builds Jaeger from its own module, once: five minutes of CPU, 85 MB in $PEERS_DIR/bin.
#
# It is not among the tools of go.mod: some modules of its collector are not known to the checksum database, so their hashes are
# those of Jaeger's own go.sum, which the database vouches for together with the module. Its web pages are not in the module.
set -euo pipefail

VERSION=v1.76.0
DIR=${PEERS_DIR:-./target/peers}
mkdir -p "$DIR/bin"
DIR=$(cd "$DIR" && pwd)
[ "$(cat "$DIR/bin/.jaeger" 2>/dev/null)" != "$VERSION" ] || exit 0

echo "building Jaeger $VERSION" >&2
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=
module=$(cd "$source" && go mod download -json "github.com/jaegertracing/jaeger@$VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r "$module/." "$source"
chmod -R u+w "$source"
(cd "$source" && go build -mod=readonly -trimpath -buildvcs=false -ldflags '-s -w' -o "$DIR/bin/jaeger" ./cmd/jaeger)
echo "$VERSION" >"$DIR/bin/.jaeger"
