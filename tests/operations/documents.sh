#!/usr/bin/env bash
# The chart's README has the values as they are, and what the documents' commands select, name and call is there.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

commands() { "$PYTHON" "$TESTS/documents.py" "$WORK/prod.yaml" "$NETWEAVE_BIN" "$@"; }
# A wrong label, a wrong port, a file and a command that are not there: each must be seen.
wrong() {
  printf '%s\n' 'kubectl get pods -n o2ims-system -l app=netweave' 'kubectl port-forward -n o2ims-system svc/netweave-gateway 9090:9090' \
    'kubectl get pods -n o2ims' 'helm lint deploy/helm/netweave' 'netweave diagnose' 'curl -k https://netweave.o2ims-system.svc.cluster.local/healthz' >"$WORK/wrong.txt"
  [ "$(commands "$WORK/wrong.txt" | grep -c '^not ok')" = 6 ]
}

render prod >"$WORK/prod.yaml" 2>/dev/null
holds readme_has_the_values "$PYTHON" "$TESTS/readme.py" "$CHART"
holds wrong_commands_are_seen wrong
cases commands_of_the_page commands "$TESTS/page.txt"
cases commands commands "$ROOT"/docs/deployment.md "$CHART/README.md"
done_with_cases
