#!/usr/bin/env bash
# The API browser in a real browser, without a screen: it shows every operation of the document, opens one, searches, keeps to its
# policy and asks nobody but the gateway.
#
# Prints one line per case, `ok NAME` or `not ok NAME reason`; the exit code is 0 only if all held. $NETWEAVE_BIN is the gateway (or
# target/debug/netweave). `browser.sh --picture FILE` also writes what docs/monitoring.md shows.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/deploy/needs.sh"
needs chromium-headless-shell:chromium-headless-shell,fonts-dejavu-core curl:curl python3:python3

# As a process of its own, which `finish` can stop.
(exec env -i PATH="$PATH" "$NETWEAVE_BIN" serve --dev --dir "$WORK/dev" --port 0 --ops-port 0) >"$WORK/out" 2>&1 &
pid=$!
finish() { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$WORK"; }
trap finish EXIT
for _ in {1..100}; do
  ! grep -q '^Ctrl-C' "$WORK/out" || break
  sleep 0.1
done
OPS=$(sed -n 's#.*\(http://127.0.0.1:[0-9]*\)/metrics.*#\1#p' "$WORK/out" | head -1)
[ -n "$OPS" ] || { not_ok browser_gateway_starts "$(tail -5 "$WORK/out")"; done_with_cases; }

# Runs the browser; whatever is not on this machine cannot be found. What it complains of goes to $WORK/console.
browse() { # address [flags...]
  local address=$1
  shift
  timeout 60 chromium-headless-shell --no-sandbox --disable-gpu --no-first-run --user-data-dir="$WORK/profile" \
    --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --enable-logging=stderr --virtual-time-budget=5000 "$@" "$address" \
    2>"$WORK/log"
  grep -a 'CONSOLE' "$WORK/log" >>"$WORK/console" || true
}
: >"$WORK/console"

browse "$OPS/api/" --dump-dom >"$WORK/all.html"
browse "$OPS/api/#post-%2Fo2ims-infrastructureInventory%2Fv2%2Fsubscriptions" --dump-dom >"$WORK/one.html"
browse "$OPS/api/?search=rotate-secret" --dump-dom >"$WORK/search.html"
curl -s "$OPS/openapi.json" >"$WORK/openapi.json"

cases browser_pages python3 "$TESTS/browser.py" "$WORK"
holds browser_complains_of_nothing test ! -s "$WORK/console"

# With a script put into its answer, the same policy keeps the browser from running it: the header does what it says.
policy=$(curl -s -D - -o /dev/null "$OPS/api/" | tr -d '\r' | sed -n 's/^content-security-policy: //Ip')
cat >"$WORK/hostile.py" <<PYTHON
import http.server
class Hostile(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-security-policy", """$policy""")
        self.end_headers()
        self.wfile.write(b"<p id=p>kept</p><script>document.getElementById('p').textContent = 'ran'</script>")
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Hostile)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
exec 3< <(exec python3 "$WORK/hostile.py")
hostile=$!
read -r port <&3
browse "http://127.0.0.1:$port/" --dump-dom >"$WORK/hostile.html"
kill "$hostile"
holds browser_policy_stops_other_scripts grep -q '>kept<' "$WORK/hostile.html"
refuses browser_takes_no_post 405 curl -sf -X POST "$OPS/api/" -o /dev/null -w '%{http_code}'

if [ "${1:-}" = --picture ]; then
  browse "$OPS/api/?search=v2/subscriptions#post-%2Fo2ims-infrastructureInventory%2Fv2%2Fsubscriptions" --window-size=1200,1100 --screenshot="$2" >/dev/null
fi
done_with_cases
