#!/usr/bin/env bash
# The Kustomize bases: the same objects as the chart's, and an overlay can change what sites change.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BASES=$ROOT/deploy/kustomize

equal() { # environment
  render "$1" >"$WORK/$1.yaml" 2>/dev/null
  kubectl kustomize "$BASES/$1" >"$WORK/built.yaml" && "$PYTHON" "$TESTS/kustomize.py" equal "$WORK/$1.yaml" "$WORK/built.yaml"
}
# One value more in the chart must be seen as a difference.
differs() {
  render prod --set autoscaling.max=8 >"$WORK/other.yaml" 2>/dev/null
  "$PYTHON" "$TESTS/kustomize.py" equal "$WORK/other.yaml" "$WORK/built.yaml"
}
overlay() {
  mkdir -p "$WORK/base" "$WORK/site"
  cp -r "$BASES/prod/." "$WORK/base"
  sed 's/name: Region A/name: Region B/' "$BASES/prod/netweave.yaml" >"$WORK/site/netweave.yaml"
  cat >"$WORK/site/kustomization.yaml" <<'Y'
resources: [../base]
images: [{ name: netweave, newName: example.net/o2/netweave, digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }]
configMapGenerator: [{ name: netweave-gateway, namespace: o2ims-system, behavior: replace, files: [netweave.yaml] }]
Y
  kubectl kustomize "$WORK/site" >"$WORK/site.yaml"
  grep -q 'image: example.net/o2/netweave@sha256:e3b0' "$WORK/site.yaml" && "$PYTHON" "$TESTS/manifests.py" "$WORK/site.yaml" | grep -q 'name: Region B'
}

for environment in "${ENVIRONMENTS[@]}"; do holds "kustomize_$environment" equal "$environment"; done
refuses kustomize_differences_are_seen "('HorizontalPodAutoscaler', 'netweave-gateway')" differs
holds kustomize_overlay overlay
done_with_cases
