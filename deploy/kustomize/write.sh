#!/usr/bin/env bash
# Writes the Kustomize bases dev, staging and prod from the Helm chart, so that both have equal objects.
#
# Needs what `tests/peers/build.sh helm` and `tests/peers/operations.sh` put into $PEERS_DIR (./target/peers).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$ROOT/tests/operations/lib.sh"
for environment in "${ENVIRONMENTS[@]}"; do
  render "$environment" >"$WORK/rendered.yaml"
  "$PYTHON" "$TESTS/kustomize.py" write "$WORK/rendered.yaml" "$ROOT/deploy/kustomize/$environment"
done
