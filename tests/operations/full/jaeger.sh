#!/usr/bin/env bash
# A request's trace in a real Jaeger: the spans arrive by OTLP over HTTP, belong to the client's trace, and bear their names.
#
# Prints one line per case, `ok NAME` or `not ok NAME reason`; the exit code is 0 only if all held. Runs with `tests/run.sh --full`, as
# Jaeger takes five minutes to build. All listens on loopback only.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/deploy/needs.sh"
needs curl:curl python3:python3
export PEERS_DIR
bash "$ROOT/tests/peers/jaeger.sh"

ports() { python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*[one.getsockname()[1] for one in held])'; }
read -r OTLP QUERY QUERY_GRPC HEALTH < <(ports)
cat >"$WORK/jaeger.yaml" <<YAML
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
  telemetry: { metrics: { level: none } }
extensions:
  healthcheckv2: { use_v2: true, http: { endpoint: "127.0.0.1:$HEALTH" } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: "127.0.0.1:$QUERY" }
    grpc: { endpoint: "127.0.0.1:$QUERY_GRPC" }
  jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } }
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:$OTLP" } } }
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
YAML
# As processes of their own, which `finish` can stop.
(exec "$PEERS_DIR/bin/jaeger" --config "$WORK/jaeger.yaml") >"$WORK/jaeger.log" 2>&1 &
jaeger=$!
(exec env -i PATH="$PATH" NETWEAVE_TRACING_URL="http://127.0.0.1:$OTLP/v1/traces" "$NETWEAVE_BIN" serve --dev --dir "$WORK/dev" --port 0 --ops-port 0) \
  >"$WORK/out" 2>&1 &
pid=$!
finish() {
  kill "$pid" "$jaeger" 2>/dev/null || true
  wait "$pid" "$jaeger" 2>/dev/null || true
  rm -rf "$WORK"
}
trap finish EXIT
holds jaeger_starts until_true 30 curl -sf "http://127.0.0.1:$QUERY/api/services"
holds jaeger_gateway_starts until_true 30 grep -q '^Ctrl-C' "$WORK/out"
API=$(sed -n 's#^  API  *\(https://[^/]*\)/.*#\1#p' "$WORK/out")

TRACE=4bf92f3577b34da6a3ce929d0e0e4736
curl -s --cacert "$WORK/dev/ca.crt" --cert "$WORK/dev/smo.crt" --key "$WORK/dev/smo.key" -H "traceparent: 00-$TRACE-00f067aa0ba902b7-01" \
  -o /dev/null "$API/o2ims-infrastructureInventory/v2/resourcePools"
spans() { curl -sf "http://127.0.0.1:$QUERY/api/traces/$TRACE" >"$WORK/trace.json" && grep -q '"operationName":"GET ' "$WORK/trace.json"; }
holds jaeger_has_the_trace until_true 30 spans
cases jaeger_trace python3 - "$WORK/trace.json" <<'PYTHON'
import json, sys
[trace] = json.load(open(sys.argv[1]))["data"]
spans = {span["operationName"]: span for span in trace["spans"]}
request = spans["GET /o2ims-infrastructureInventory/v2/resourcePools"]
tags = {tag["key"]: tag["value"] for tag in request["tags"]}
def case(name, fault):
    print(f"not ok {name} {fault}" if fault else f"ok {name}")
case("jaeger_request_is_part_of_the_clients_span", [] if [one["spanID"] for one in request["references"]] == ["00f067aa0ba902b7"] else request["references"])
wanted = {"http.request.method": "GET", "http.response.status_code": 200, "span.kind": "server"}
case("jaeger_request_has_its_attributes", {key: tags.get(key) for key in wanted if str(tags.get(key)) != str(wanted[key])})
cache = spans.get("cache", {"references": [{"spanID": "none"}]})
case("jaeger_look_into_the_cache_is_part_of_the_request", [] if cache["references"][0]["spanID"] == request["spanID"] else list(spans))
names = {process["serviceName"] for process in trace["processes"].values()}
case("jaeger_knows_the_service", names - {"netweave"})
PYTHON
done_with_cases
