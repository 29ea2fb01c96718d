#!/usr/bin/env bash
# The container image without a container engine: the folder that the Dockerfile copies, the gateway in it as its only process would
# run, and the Dockerfile's form. What a registry would be needed for, the build's own image, is not here.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/deploy/needs.sh"
needs curl:curl openssl:openssl >&2

DOCKERFILE=$ROOT/deploy/Dockerfile
IMAGE=$WORK/image
KEPT='^/(usr/bin/netweave|etc/(passwd|group|nsswitch\.conf|ssl/certs/ca-certificates\.crt)|(usr/)?lib(64)?/.*\.so(\.[0-9]+)*)$'

built() { "$ROOT/deploy/image/root.sh" "$NETWEAVE_BIN" "$IMAGE"; }
# Nothing but the gateway, libraries and four texts.
nothing_else() {
  local extra
  extra=$(cd "$IMAGE" && find . ! -type d | sed 's/^\.//' | grep -vE "$KEPT" || true)
  [ -z "$extra" ] || { echo "$extra"; return 1; }
  [ "$(find "$IMAGE" -type f -perm /111 ! -name '*.so*' | wc -l)" = 1 ]
}
no_special_rights() { [ -z "$(find "$IMAGE" -perm /6000)" ] && [ -z "$(find "$IMAGE" -type f -perm /022)" ]; }
CONFINED=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot --userspec=65532:65532 "$IMAGE" /usr/bin/netweave)
[ "$(id -u)" -eq 0 ] || CONFINED=(sudo "${CONFINED[@]}")
pid=
stop() { [ -z "$pid" ] || as_root kill "$pid" 2>/dev/null || true; as_root rm -rf "$WORK"; }
trap stop EXIT

# The gateway as nobody, in a root that it cannot write to.
configured() {
  local etc=$IMAGE/etc/netweave
  gateway gen-certs --dir "$WORK/certs" --san 127.0.0.1 >/dev/null
  as_root install -o 65532 -m 400 "$WORK"/certs/{tls.crt,tls.key,ca.crt} "$etc"
  cat >"$etc/netweave.yaml" <<'Y'
api: { listen: ["127.0.0.1:0"], tls: { certificate: /etc/netweave/tls.crt, key: /etc/netweave/tls.key, clientCa: /etc/netweave/ca.crt } }
ops: { listen: "127.0.0.1:0" }
state: { kind: memory }
shutdown: { delay: 0ms, grace: 1s }
Y
  "${CONFINED[@]}" check-config /etc/netweave/netweave.yaml
}
port() { sed -nE 's/.*"'"$1"'":"\[?127\.0\.0\.1:([0-9]+).*/\1/p' "$WORK/log" | head -n 1; } # api or ops, as the log says
becomes_ready() {
  local end=$((SECONDS + 30))
  until [ -n "$(port ops)" ] && "${CONFINED[@]}" healthcheck --ready --url "http://127.0.0.1:$(port ops)"; do
    [ $SECONDS -lt $end ] && kill -0 "$pid" || { cat "$WORK/log"; return 1; }
    sleep 0.1
  done
}
serves() {
  curl -sSf --cacert "$WORK/certs/ca.crt" --cert "$WORK/certs/smo.crt" --key "$WORK/certs/smo.key" \
    "https://127.0.0.1:$(port api)/o2ims-infrastructureInventory/v2/" | grep oCloudId
}
# Of the process itself: with sudo, it is sudo's child.
unprivileged() {
  local own=$pid
  [ "$(id -u)" -eq 0 ] || own=$(cat "/proc/$pid/task/$pid/children")
  awk '$1 == "Uid:" { uid = $3 } $1 == "CapEff:" { caps = $2 } END { print uid, caps; exit !(uid == 65532 && caps ~ /^0+$/) }' "/proc/${own// /}/status"
}

# The Dockerfile: an empty last stage, a user by number, programs without a shell.
last_stage() { awk '/^FROM /{ stage = "" } { stage = stage "\n" $0 } END { print stage }' "$DOCKERFILE"; }
form() {
  local stage
  stage=$(last_stage)
  grep -q '^FROM scratch$' <<<"$stage" && grep -q '^USER 65532:65532$' <<<"$stage" && ! grep -qE '^RUN |^ADD ' <<<"$stage" &&
    grep -qE '^ENTRYPOINT \["/usr/bin/netweave"\]$' <<<"$stage" && grep -qE '^CMD \[' <<<"$stage" &&
    grep -qE 'CMD \["/usr/bin/netweave", "healthcheck"' <<<"$stage" && ! grep -q ':latest' "$DOCKERFILE"
}
# The versions in it are the workspace's.
versions() {
  local rust version
  rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
  version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
  grep -q "^ARG RUST=rust:$rust-" "$DOCKERFILE" && grep -q "^ARG VERSION=$version$" "$DOCKERFILE" && grep -q "^appVersion: $version$" "$CHART/Chart.yaml"
}
# What the build gets is enough for Cargo: every manifest of the workspace, and every target that one names.
context() {
  local kept
  mapfile -t kept < <(sed -n 's/^!//p' "$ROOT/deploy/Dockerfile.dockerignore")
  mkdir -p "$WORK/context"
  tar -C "$ROOT" -c --exclude=target --exclude=tests/peers "${kept[@]}" | tar -C "$WORK/context" -x &&
    cargo metadata --offline --no-deps --format-version 1 --manifest-path "$WORK/context/Cargo.toml" | grep -q '"name":"netweave"' &&
    [ -x "$WORK/context/deploy/image/root.sh" ] && [ -x "$WORK/context/deploy/release.sh" ]
}

holds image_is_put_together built
holds image_has_nothing_else nothing_else
holds image_has_no_special_rights no_special_rights
holds image_runs_the_binary "${CONFINED[@]}" version
holds image_takes_its_configuration configured
"${CONFINED[@]}" serve -c /etc/netweave/netweave.yaml >"$WORK/log" 2>&1 &
pid=$!
holds image_becomes_ready becomes_ready
holds image_serves serves
holds image_has_no_capabilities unprivileged
as_root kill -TERM "$pid"
code=0
wait "$pid" || code=$?
holds image_ends_with_0 test "$code" -eq 0
pid=
holds dockerfile_form form
holds dockerfile_versions versions
holds dockerfile_context context
done_with_cases
