#!/usr/bin/env bash
# The Helm chart without a cluster: what it renders, what it refuses, and that the gateway takes its configuration.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

helm() { command helm "$@" 2> >(grep -v 'found symbolic link' >&2); } # the rules are a link, and Helm says so each time

# Runs a command for each line of a table: NAME ENVIRONMENT TEXT FLAGS...
rows() { # file command
  local name environment flags text
  while IFS='|' read -r name environment flags text; do
    [[ $name != '#'* ]] || continue
    read -r name <<<"$name"; read -r environment <<<"$environment"; read -r text <<<"$text"
    read -ra flags <<<"$flags"
    "$2" "$name" "$environment" "$text" "${flags[@]}"
  done <"$1"
}

# The files that a configuration names, as the pod would have them.
files() { # folder
  local files=$1
  mkdir -p "$files"/{conf,tls,client-ca,crl,secrets/{redis,redis-tls,audit,edge}} "$WORK/pki"
  gateway gen-certs --dir "$WORK/pki" --san netweave-gateway.o2ims-system.svc.cluster.local >/dev/null
  cp "$WORK"/pki/tls.{crt,key} "$files/tls"
  cp "$WORK/pki/ca.crt" "$files/client-ca/ca.crt"
  cp "$WORK"/pki/{ca.crt,tls.crt,tls.key} "$files/secrets/redis-tls"
  printf secret >"$files/secrets/redis/password"
  openssl genpkey -algorithm ed25519 -out "$files/secrets/audit/signing.key"
  openssl rand -base64 32 >"$files/secrets/audit/redaction.key"
  printf 'apiVersion: v1\nkind: Config\n' >"$files/secrets/edge/kubeconfig"
  revocations >"$files/crl/crl.pem"
}
revocations() { # an empty list of an authority of its own
  local dir=$WORK/authority
  mkdir -p "$dir"
  : >"$dir/index"
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\ndefault_md=sha256\ndefault_crl_days=30\n' "$dir" >"$dir/conf"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key" -out "$dir/crt" -subj /CN=ca -days 30 2>/dev/null
  openssl ca -gencrl -config "$dir/conf" -keyfile "$dir/key" -cert "$dir/crt" 2>/dev/null
}
configured() { # file: the gateway's word on the configuration in it
  "$PYTHON" "$TESTS/manifests.py" "$1" | sed "s#/etc/netweave#$FILES#" >"$WORK/netweave.yaml" || return
  mkdir -p "$WORK/state"
  sed -i "s#/var/lib/netweave#$WORK/state#" "$WORK/netweave.yaml"
  gateway check-config "$WORK/netweave.yaml"
}

refused() { # name environment text flags...
  local name=$1 environment=$2 text=$3
  shift 3
  refuses "refused_$name" "$text" render "$environment" "$@"
}
rendered() { # name environment - flags...: every rule holds, and the gateway takes the configuration
  local name=$1 environment=$2 file=$WORK/switch.yaml
  shift 3
  if ! render "$environment" "$@" >"$file" 2>"$WORK/said"; then
    not_ok "switch_$name" "$(cat "$WORK/said")"
    return
  fi
  holds "lint_$name" helm lint --strict "$CHART" --values "$CHART/values-$environment.yaml" "$@"
  cases "switch_$name" "$PYTHON" "$TESTS/policy.py" "$name" "$environment" "$file"
  holds "config_$name" configured "$file"
}
faulty() { # name environment text flags...
  local name=$1 environment=$2 text=$3
  shift 3
  render "$environment" "$@" >"$WORK/faulty.yaml"
  refuses "faulty_$name" "$text" configured "$WORK/faulty.yaml"
}

# The evaluator must see what is open: without policies, denied flows are not.
flows_are_seen() { # environment
  local said
  render "$1" --set networkPolicy.enabled=false >"$WORK/open.yaml"
  said=$("$PYTHON" "$TESTS/flows.py" "$1" "$WORK/open.yaml" "$TESTS/flows.txt") || true
  grep -q '^not ok flow_[a-z]*_denied' <<<"$said" && ! grep -E '^ok flow_[a-z]+_denied' <<<"$said"
}
# Each change must be seen, and by the rule that it breaks.
mutations() { # rendered file
  local rule change said number=0
  while IFS='|' read -r rule change; do
    [[ $rule != '#'* ]] || continue
    read -r rule <<<"$rule"
    number=$((number + 1))
    sed "$change" "$1" >"$WORK/mutated.yaml"
    said=$("$PYTHON" "$TESTS/policy.py" prod prod "$WORK/mutated.yaml") || true
    if cmp -s "$1" "$WORK/mutated.yaml"; then
      not_ok "mutation_${number}_$rule" "changes nothing: $change"
    elif grep -q "^not ok policy_prod_$rule " <<<"$said"; then
      ok "mutation_${number}_$rule"
    else
      not_ok "mutation_${number}_$rule" "is not seen: $change"
    fi
  done <"$TESTS/mutations.txt"
}
# A package has all that the folder has, the rules behind the link too.
packaged() {
  helm package "$CHART" --destination "$WORK" >/dev/null &&
    command helm template netweave-gateway "$WORK"/netweave-gateway-*.tgz --namespace o2ims-system --kube-version 1.30.0 \
      --values "$CHART/values-prod.yaml" --skip-tests --set dashboards.enabled=true >"$WORK/packaged.yaml" &&
    render prod --set dashboards.enabled=true >"$WORK/whole.yaml" 2>/dev/null && cmp "$WORK/whole.yaml" "$WORK/packaged.yaml"
}
# Each dashboard is in a ConfigMap with the label that a Grafana looks for, as it is in its file.
dashboards() {
  render prod --set dashboards.enabled=true --show-only templates/dashboards.yaml 2>/dev/null >"$WORK/dashboards.yaml"
  "$PYTHON" "$TESTS/manifests.py" dashboards "$WORK/dashboards.yaml" "$ROOT/deploy/grafana"
}
# `helm test` runs our own image, restricted, beside the pods that the Service chooses and not among them.
test_pod() {
  command helm template netweave-gateway "$CHART" --namespace o2ims-system --values "$CHART/values-prod.yaml" --show-only templates/test.yaml >"$WORK/test.yaml"
  "$PYTHON" "$TESTS/manifests.py" test "$WORK/test.yaml" "$WORK/prod.yaml"
}
# Helm writes as much as it is asked, whatever the release is called.
other_names() {
  command helm template other "$CHART" --namespace o2ims-system --set name=second 2>/dev/null >"$WORK/other.yaml"
  grep -q 'app.kubernetes.io/instance: other' "$WORK/other.yaml" && grep -q '^  name: second$' "$WORK/other.yaml" &&
    ! grep -q '^  name: netweave-gateway$' "$WORK/other.yaml"
}

FILES=$WORK/etc
files "$FILES"
for environment in "${ENVIRONMENTS[@]}"; do
  holds "lint_$environment" helm lint --strict "$CHART" --values "$CHART/values-$environment.yaml"
  holds "render_$environment" render "$environment"
  render "$environment" >"$WORK/$environment.yaml" 2>/dev/null
  cases "policy_$environment" "$PYTHON" "$TESTS/policy.py" "$environment" "$environment" "$WORK/$environment.yaml"
  cases "flows_$environment" "$PYTHON" "$TESTS/flows.py" "$environment" "$WORK/$environment.yaml" "$TESTS/flows.txt"
  holds "config_$environment" configured "$WORK/$environment.yaml"
done
holds lint_without_values helm lint --strict "$CHART"
holds flows_without_policies_are_seen flows_are_seen staging
holds other_names_are_taken other_names
holds package_is_whole packaged
holds dashboards_are_config_maps dashboards
holds test_pod_is_ours test_pod
mutations "$WORK/prod.yaml"
rows "$TESTS/switches.txt" rendered
rows "$TESTS/refused.txt" refused
rows "$TESTS/faulty.txt" faulty
done_with_cases
