#!/usr/bin/env bash
# Every command of the documents is run, on a machine of its own: namespaces with files that are written over those of this one, and with
# loopback alone, so that ports and names are those of the documents. There: a control plane with kwok in the place of kubelets, whose `exec`,
# `logs` and `port-forward` lead to real gateways and Redis servers; a primary, two replicas and three Sentinels; the gateway of `serve --dev`.
# As root or through sudo, which namespaces need. `commands.sh DOCUMENT...` runs these alone.
. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/needs.sh"
if [ "${1:-}" != inside ]; then
  needs ip:iproute2 unshare:util-linux useradd:passwd systemd-analyze:systemd openssl:openssl curl:curl >&2
  bash "$(dirname "$0")/../peers/redis.sh" >&2
  work=$(mktemp -d)
  # Here and not inside: what runs there ends with its namespace, and until then may write into its folder.
  trap 'as_root rm -rf "$work"' EXIT
  as_root env PATH="$PATH" ${PEERS_DIR:+PEERS_DIR="$PEERS_DIR"} ${NETWEAVE_BIN:+NETWEAVE_BIN="$NETWEAVE_BIN"} \
    unshare --mount --net --pid --fork --kill-child --mount-proc bash "$0" inside "$work" "$@"
  exit
fi
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap - EXIT
rmdir "$WORK"
WORK=$2
shift 2

NS=o2ims-system
SERVICE=netweave-gateway.$NS.svc.cluster.local
SITE=$WORK/site
KUBE=$ROOT/tests/peers/kube.sh
export PEERS_RUN=$WORK/run KUBECONFIG=$WORK/run/kube/admin.kubeconfig HOME=$WORK/home
export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm

# What is written to this machine, and to the repository, stays in memory, over its own files.
over() { # folder [place]
  mkdir -p "/srv/over$1"/{upper,work}
  mount -t overlay overlay -o "lowerdir=$1,upperdir=/srv/over$1/upper,workdir=/srv/over$1/work" "${2:-$1}"
}
machine() {
  local folder
  ip link set lo up
  mount -t tmpfs tmpfs /srv
  mount -t tmpfs tmpfs /run
  mkdir -p "$SITE" "$HOME"
  over "$ROOT" "$SITE"
  for folder in /etc /usr /var; do over "$folder"; done
  { echo '127.0.0.1 localhost'; echo '::1 localhost'; printf '127.0.0.1 node-%s\n' 0 1 2 3 4 5; echo "127.0.0.2 $SERVICE"; } >/etc/hosts
  install -m 755 "$NETWEAVE_BIN" /usr/bin/netweave
  # In the pods health is asked at the pod's own address; here that is the one of the gateway that stands for them.
  mkdir -p /srv/pod/bin "$SITE"/target/{release,shipped} /etc/netweave/conf /var/lib/netweave /run/netweave
  cat >/srv/pod/bin/netweave <<'S'
#!/bin/sh
[ "$1" != healthcheck ] || set -- "$@" --url http://127.0.0.2:8080
NETWEAVE_OPS_CONTROL=/run/netweave/control.sock exec /usr/bin/netweave "$@"
S
  chmod +x /srv/pod/bin/netweave
  for folder in release shipped; do ln -sf "$NETWEAVE_BIN" "$SITE/target/$folder/netweave"; done
  cd "$SITE"
}

# The state: a primary, two replicas, three Sentinels, as deploy/redis has them but for users and TLS: whoever asks may.
redis() {
  local port
  printf 'user default on nopass ~* &* +@all\nuser admin on >password ~* &* +@all\n' >/srv/users.acl
  for port in 6379 6380 6381; do
    mkdir -p "/srv/redis-$port"
    redis-server --bind 127.0.0.1 --port "$port" --dir "/srv/redis-$port" --aclfile /srv/users.acl --appendonly yes --maxmemory 64mb \
      --maxmemory-policy noeviction --min-replicas-to-write 1 $([ "$port" = 6379 ] || echo --replicaof 127.0.0.1 6379) >"$WORK/redis-$port.log" &
  done
  until_true 20 redis-cli -p 6379 PING
  for port in 26379 26380 26381; do
    printf 'bind 127.0.0.1\nport %s\nuser admin on >password ~* &* +@all\nsentinel monitor mymaster 127.0.0.1 6379 2\n' "$port" >"/srv/sentinel-$port.conf"
    redis-server "/srv/sentinel-$port.conf" --sentinel >"$WORK/sentinel-$port.log" &
  done
  until_true 20 sh -c 'redis-cli -p 26379 SENTINEL ckquorum mymaster | grep -q "^OK 3"'
}

# One gateway stands for all pods of the chart; it starts again when it has ended, and its log is kept, as kubelets do.
pods_gateway() {
  openssl genpkey -algorithm ed25519 -out /srv/audit.key && openssl pkey -in /srv/audit.key -pubout -out /srv/audit.pub
  netweave gen-certs --dir /etc/netweave/tls --client smo >/dev/null
  cat >/etc/netweave/conf/netweave.yaml <<Y
api:
  listen: ["127.0.0.2:443", "127.0.0.2:8443"]
  tls: { certificate: /etc/netweave/tls/tls.crt, key: /etc/netweave/tls/tls.key, clientCa: /etc/netweave/tls/ca.crt }
ops: { listen: "127.0.0.2:8080" }
state: { kind: redis, sentinels: ["127.0.0.1:26379", "127.0.0.1:26380", "127.0.0.1:26381"], service: mymaster }
audit: { sinks: [stdout, file], checkpoint: 1s, signingKeyFile: /srv/audit.key, file: { directory: /var/lib/netweave/audit } }
log: { format: json }
backends: [{ kind: file, name: sample, path: /srv/inventory.yaml }]
Y
  cp .netweave/dev/inventory.yaml /srv/inventory.yaml
  (while :; do
    env -i PATH="$PATH" TZ=UTC NETWEAVE_OPS_CONTROL=/run/netweave/control.sock \
      netweave serve --dev -c /etc/netweave/conf/netweave.yaml --dir /srv/pod 2>&1
  done |
    while read -r line; do TZ=UTC printf '%(%FT%T)T.000000000Z stdout F %s\n' -1 "$line"; done >/srv/pod/log) &
  until_true 60 netweave healthcheck --ready --url http://127.0.0.2:8080
  cp /etc/netweave/tls/ca.crt ca.crt
  cp /etc/netweave/tls/smo.crt client.crt
  cp /etc/netweave/tls/smo.key client.key
  netweave subs create --url "https://$SERVICE" --ca ca.crt --cert client.crt --key client.key --callback http://127.0.0.1:9000/smo -o json |
    sed -n 's/.*"subscriptionId": *"\([^"]*\)".*/\1/p' >/srv/subscription
  test -s /srv/subscription
  # What a reader has kept elsewhere, and the configuration as it is called in the documents.
  until_true 20 sh -c 'netweave audit checkpoint /var/lib/netweave/audit | tee /srv/checkpoints | grep -q .'
  ln -sf /etc/netweave/conf/netweave.yaml netweave.yaml
}

# kwok as the kubelet of every node: what is executed in a pod is executed here, its log and ports are those of the gateway.
kubelets() {
  cat >/srv/kubelet.yaml <<Y
{ apiVersion: kwok.x-k8s.io/v1alpha1, kind: ClusterExec, metadata: { name: all }, spec: { execs: [{ local: { workDir: /srv/pod } }] } }
---
{ apiVersion: kwok.x-k8s.io/v1alpha1, kind: ClusterLogs, metadata: { name: all }, spec: { logs: [{ logsFile: /srv/pod/log, previousLogsFile: /srv/pod/log }] } }
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: { name: all }
spec: { forwards: [{ ports: [8080], target: { address: 127.0.0.2, port: 8080 } }] }
Y
  bash "$KUBE" up >/dev/null
  bash "$KUBE" nodes 6
  PATH=/srv/pod/bin:$PATH KWOK_FLAGS="--config /srv/kubelet.yaml --server-address 127.0.0.1:10250" bash "$KUBE" kwok
  bash "$KUBE" control
  local node
  for node in 0 1 2 3 4 5; do
    kubectl patch node "node-$node" --subresource=status --type=merge -p '{"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}}' >/dev/null
  done
  kubectl apply -f "$TESTS/crds.yaml" >/dev/null
  kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
  # What an API server says of itself, if it listens on more than loopback.
  kubectl apply -f - >/dev/null <<Y
{ apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: kubernetes, namespace: default, labels: { kubernetes.io/service-name: kubernetes } },
  addressType: IPv4, endpoints: [{ addresses: [10.1.9.9] }], ports: [{ name: https, port: 6443 }] }
Y
}

# The chart as in production, with what it finds there: the server's certificate, and Redis, whose pods have the names of the documents.
installed() {
  kubectl get namespace "$NS" >/dev/null 2>&1 || kubectl create namespace "$NS" >/dev/null
  kubectl -n "$NS" get secret netweave-gateway-tls >/dev/null 2>&1 ||
    kubectl -n "$NS" create secret tls netweave-gateway-tls --cert=/etc/netweave/tls/tls.crt --key=/etc/netweave/tls/tls.key >/dev/null
  helm install netweave-gateway "$CHART" -n "$NS" -f "$CHART/values-prod.yaml" --wait --timeout 2m >/dev/null 2>&1
  local set
  for set in redis-node redis-sentinel; do
    kubectl -n "$NS" apply -f - >/dev/null <<Y
{ apiVersion: apps/v1, kind: StatefulSet, metadata: { name: $set }, spec: { serviceName: $set, selector: { matchLabels: { set: $set } }, template: {
  metadata: { labels: { set: $set, app.kubernetes.io/name: redis } }, spec: { containers: [{ name: redis, image: redis,
  securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: [ALL] }, seccompProfile: { type: RuntimeDefault } } }] } } } }
Y
    kubectl -n "$NS" rollout status "statefulset/$set" --timeout=60s >/dev/null
  done
  kubectl -n "$NS" wait --for=condition=Ready pod --all --timeout=60s >/dev/null
}

# Without the variables of the tests, which the gateway would take for keys of its configuration.
as_the_reader() {
  env -i PATH="$PATH" HOME="$HOME" KUBECONFIG="$KUBECONFIG" HELM_CACHE_HOME="$WORK/helm" HELM_CONFIG_HOME="$WORK/helm" HELM_DATA_HOME="$WORK/helm" \
    "$PYTHON" "$TESTS/commands.py" "$TESTS/commands.txt" "$@"
}
# Runs documents, and adds up what they say of themselves.
ran=0 marked=0
# Does what a kubelet would with the pod of `helm test`: runs its command, and tells how it ended.
tests_are_run() {
  local pod=netweave-gateway-test arguments phase
  while sleep 0.2; do
    arguments=$(kubectl -n "$NS" get pod "$pod" -o jsonpath='{.spec.containers[0].args}{.status.phase}' 2>/dev/null) || continue
    [[ $arguments == *Running ]] || continue
    read -ra arguments < <("$PYTHON" -c 'import json, sys; print(*json.loads(sys.argv[1]))' "${arguments%Running}")
    netweave "${arguments[@]}" && phase=Succeeded || phase=Failed
    kubectl -n "$NS" patch pod "$pod" --subresource=status --type=merge -p '{"status":{"phase":"'$phase'"}}' >/dev/null 2>&1 || true
  done
}

run() { # document...
  as_the_reader "$@" >"$WORK/ran" 2>&1 || true
  cases commands cat "$WORK/ran"
  ran=$((ran + $(value commands))) marked=$((marked + $(value marked)))
}
value() { sed -n "s/^figure:.* $1=\([0-9]*\).*/\1/p" "$WORK/ran"; } # key

# A document with faults: each must be seen.
wrong() {
  printf '%s\n' '```' 'kubectl -n default get pods -l app=netweave' 'netweave diagnose' 'grep nothing /etc/hosts' \
    'curl -s http://127.0.0.9/ | grep up' 'cat /etc/hosts | grep nothing' '```' '' '```yaml' 'false' '```' \
    '```sh' 'systemctl reboot' '```' >"$WORK/wrong.md"
  as_the_reader "$WORK/wrong.md" >"$WORK/said" || true
  [ "$(grep -c '^not ok ' "$WORK/said")" = 4 ] && grep -qx 'figure: commands=5 marked=1' "$WORK/said" || { cat "$WORK/said"; return 1; }
}
few_are_not_run() { echo "$marked commands are not run"; [ "$marked" -le 10 ]; }

machine
redis
kubelets
env -i PATH="$PATH" netweave serve --dev >"$WORK/dev.log" 2>&1 &
dev=$!
until_true 60 netweave healthcheck --ready
[ $# -gt 0 ] || run "$ROOT/README.md"
kill "$dev"
pods_gateway
tests_are_run &
[ $# -gt 0 ] || run "$ROOT/docs/deployment.md"
installed
if [ $# -gt 0 ]; then
  run "${@/#/$ROOT/}"
  done_with_cases
fi
others=()
for document in "$ROOT"/docs/*.md; do [ "$document" = "$ROOT/docs/deployment.md" ] || others+=("$document"); done
others+=("$ROOT/docs/runbooks/README.md")
for document in "$ROOT"/docs/runbooks/*.md; do [ "$document" = "$ROOT/docs/runbooks/README.md" ] || others+=("$document"); done
run "${others[@]}"
holds faults_in_documents_are_seen wrong
holds few_commands_are_not_run few_are_not_run
echo "figure: commands=$ran marked=$marked"
done_with_cases
