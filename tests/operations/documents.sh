#!/usr/bin/env bash
# The chart's README has the values as they are, what the documents' commands select, name and call is there, and links lead somewhere.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

commands() { "$PYTHON" "$TESTS/documents.py" "$WORK/prod.yaml" "$NETWEAVE_BIN" "$@"; }
# A wrong label, a wrong port, a file and a command that are not there: each must be seen.
wrong() {
  printf '%s\n' 'kubectl get pods -n o2ims-system -l app=netweave' 'kubectl port-forward -n o2ims-system svc/netweave-gateway 9090:9090' \
    'kubectl get pods -n o2ims' 'helm lint deploy/helm/netweave' 'netweave diagnose' 'curl -k https://netweave.o2ims-system.svc.cluster.local/healthz' >"$WORK/wrong.txt"
  [ "$(commands "$WORK/wrong.txt" | grep -c '^not ok')" = 6 ]
}

# A file and a heading that are not there.
lost() {
  printf '# One\n\n[a](two.md) [b](#two) [c](#one) [d](https://example.net/x)\n' >"$WORK/one.md"
  [ "$("$PYTHON" "$TESTS/links.py" "$WORK/one.md")" = "not ok links_$(basename "$WORK")_one two.md is not there; #two is no heading" ]
}

render prod >"$WORK/prod.yaml" 2>/dev/null
holds readme_has_the_values "$PYTHON" "$TESTS/readme.py" "$CHART"
holds wrong_commands_are_seen wrong
cases commands_of_the_page commands "$TESTS/page.txt"
cases commands commands "$ROOT"/docs/deployment.md "$CHART/README.md"
cases links "$PYTHON" "$TESTS/links.py" "$ROOT"/*.md "$ROOT"/docs/*.md "$ROOT"/docs/{adr,runbooks,runbooks/templates}/*.md "$ROOT"/deploy/*/README.md "$CHART/README.md"
holds links_that_lead_nowhere_are_seen lost
done_with_cases
