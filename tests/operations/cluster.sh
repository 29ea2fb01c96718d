#!/usr/bin/env bash
# The Helm chart on a real control plane: API server, controllers and scheduler, and kwok in the place of kubelets. Nothing runs inside
# the pods, which count as ready at once; all that controllers, admission and schemas say is real. With $KUBE_APISERVER, an older
# server, only what needs no controllers.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export PEERS_RUN=$WORK/run KUBE_PORT=${KUBE_PORT:-16743} ETCD_PORT=${ETCD_PORT:-12679}
NS=o2ims-system
KUBE=$ROOT/tests/peers/kube.sh
stop() { bash "$KUBE" down >/dev/null 2>&1 || true; rm -rf "$WORK"; }
trap stop EXIT

bash "$KUBE" up >"$WORK/environment"
export KUBECONFIG=$PEERS_RUN/kube/admin.kubeconfig HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
bash "$KUBE" nodes 6
bash "$KUBE" kwok
# Controllers and scheduler are those of the newest release, and do not work with an older server.
[ -n "${KUBE_APISERVER:-}" ] || bash "$KUBE" control

k() { kubectl -n "$NS" "$@"; }
# Helm waits for what controllers say; that the rules are a link, it says each time.
release() { # verb environment flags...
  local verb=$1 environment=$2
  shift 2
  helm "$verb" netweave-gateway "$CHART" --namespace "$NS" --values "$CHART/values-$environment.yaml" --wait --timeout 120s "$@"
}
names() { k get "$@" -o name | sort | tr '\n' ' '; }
ready() { k get deployment netweave-gateway -o jsonpath='{.status.readyReplicas}/{.spec.replicas}'; }
same() { [ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }; }
# Repeats a comparison until it holds, a minute at most: controllers act when they get to it.
becomes() { # wanted command...
  local wanted=$1 end=$((SECONDS + 60))
  shift
  until [ "$("$@" 2>/dev/null)" = "$wanted" ]; do
    [ $SECONDS -lt $end ] || { echo "is '$("$@" 2>&1)', not '$wanted'"; return 1; }
    sleep 0.2
  done
}

dry_run() { # environment
  render "$1" >"$WORK/$1.yaml" 2>/dev/null
  k apply --dry-run=server --validate=strict -f "$WORK/$1.yaml"
}
misspelt() { sed 's/renewBefore/renewBefor/; s/unhealthyPodEvictionPolicy/unhealthyPodPolicy/' "$WORK/prod.yaml" | k apply --dry-run=server --validate=strict -f -; }
pods_of_the_page() { k get pods -l app=netweave-gateway --no-headers -o name | wc -l; }
pods_running() { k get pods -l app=netweave-gateway --field-selector=status.phase=Running --no-headers -o name | wc -l; }
endpoints() { k get endpointslices -l kubernetes.io/service-name=netweave-gateway -o jsonpath='{range .items[*].endpoints[?(@.conditions.ready==true)]}{.targetRef.name}{"\n"}{end}' | grep -c .; }
service_ports() { k get service netweave-gateway -o jsonpath='{.spec.ports[*].port}'; }
spread_zones() { k get pods -l app=netweave-gateway -o jsonpath='{range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | grep -c .; }
allowed_away() { k get pdb netweave-gateway -o jsonpath='{.status.disruptionsAllowed}'; }
deployed() { helm status netweave-gateway --namespace "$NS" -o json | "$PYTHON" -c 'import json, sys; s = json.load(sys.stdin); print(s["info"]["status"], s["version"])'; }
evict() { # pod
  k create --raw "/api/v1/namespaces/$NS/pods/$1/eviction" -f - <<<'{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"'"$1"'"}}'
}
# Of three pods one may be away; a second one is refused while the first is not replaced. kwok replaces at once, so ready pods are held back.
budget_holds() {
  local first second
  read -r first second _ < <(k get pods -l app=netweave-gateway -o jsonpath='{.items[*].metadata.name}')
  k scale deployment netweave-gateway --replicas=3 >/dev/null
  kubectl cordon -l kubernetes.io/os=linux >/dev/null
  evict "$first" >/dev/null && becomes 0 allowed_away && ! evict "$second" 2>"$WORK/evicted" && grep -q 'disruption budget' "$WORK/evicted"
  local code=$?
  kubectl uncordon -l kubernetes.io/os=linux >/dev/null
  becomes 1 allowed_away && return $code
}
# A configuration that changed replaces the pods; the same one does not.
revision() { k get deployment netweave-gateway -o jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}'; }
pods_follow_the_configuration() {
  local before
  before=$(revision)
  release upgrade staging >/dev/null 2>&1 && same "$(revision)" "$before" &&
    release upgrade staging --set config.log.level=debug >/dev/null 2>&1 && same "$(revision)" $((before + 1))
}
right() { # verdict verb resource[/subresource]
  local of=()
  [[ $3 != */* ]] || of=(--subresource="${3#*/}")
  same "$(kubectl auth can-i "$2" "${3%%/*}" "${of[@]}" --as="system:serviceaccount:$NS:netweave-gateway" 2>/dev/null || true)" "$1"
}
# The gateway itself reads the cluster with the account's own token.
reads_as_itself() {
  local token
  token=$(k create token netweave-gateway --duration=1h)
  kubectl config view --raw --minify -o json | TOKEN=$token "$PYTHON" -c '
import json, os, sys
conf = json.load(sys.stdin)
conf["users"][0]["user"] = {"token": os.environ["TOKEN"]}
json.dump(conf, sys.stdout)' >"$WORK/self.kubeconfig"
  printf 'state: { kind: memory }\nbackends: [{ kind: kubernetes, name: self, kubeconfig: %s }]\n' "$WORK/self.kubeconfig" >"$WORK/self.yaml"
  gateway backend check -c "$WORK/self.yaml"
}
unrestricted() { k run wide --image=netweave:0.1.0; }
nothing_is_left() {
  local kinds=deployments,replicasets,pods,services,configmaps,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,certificates,issuers,servicemonitors,prometheusrules,serviceaccounts
  becomes '' names "$kinds" -l app.kubernetes.io/name=netweave-gateway &&
    same "$(kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/name=netweave-gateway -o name)" ''
}

rights() {
  while read -r verdict verb resource; do
    [[ $verdict != '#'* ]] || continue
    holds "right_${verdict}_${verb}_$resource" right "$verdict" "$verb" "$resource"
  done <"$TESTS/rights.txt"
  holds gateway_reads_with_its_rights reads_as_itself
}

kubectl create namespace "$NS" >/dev/null
kubectl label namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
kubectl apply -f "$TESTS/crds.yaml" >/dev/null
kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null

for environment in "${ENVIRONMENTS[@]}"; do holds "server_takes_$environment" dry_run "$environment"; done
refuses server_sees_misspelt_fields 'unknown field' misspelt
refuses namespace_refuses_wide_pods 'violates PodSecurity' unrestricted
if [ -n "${KUBE_APISERVER:-}" ]; then
  holds install_staging helm install netweave-gateway "$CHART" --namespace "$NS" --values "$CHART/values-staging.yaml"
  holds service_has_its_ports same "$(service_ports)" '443 8080'
  rights
  done_with_cases
fi
holds install_dev release install dev
holds dev_is_one_pod same "$(ready)" 1/1
holds upgrade_to_staging release upgrade staging
holds staging_is_three_pods same "$(ready)" 3/3
holds page_finds_its_pods becomes 3 pods_running
holds service_has_its_ports same "$(service_ports)" '443 8080'
holds service_finds_its_pods becomes 3 endpoints
holds pods_are_on_different_nodes same "$(spread_zones)" 3
holds budget_allows_one becomes 1 allowed_away
holds budget_refuses_a_second budget_holds
holds configuration_replaces_pods pods_follow_the_configuration
holds upgrade_to_prod release upgrade prod
holds prod_is_three_pods becomes 3/3 ready
holds page_finds_pods_of_prod becomes 3 pods_running
rights
holds rollback helm rollback netweave-gateway 2 --namespace "$NS" --wait --timeout 120s
holds rollback_is_staging becomes 3/3 ready
holds rollback_is_deployed same "$(deployed)" 'deployed 6'
holds uninstall helm uninstall netweave-gateway --namespace "$NS" --wait --timeout 60s
holds nothing_is_left_behind nothing_is_left
holds install_prod_at_once release install prod
holds prod_at_once_is_three_pods becomes 3/3 ready
done_with_cases
