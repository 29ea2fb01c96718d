#!/usr/bin/env bash
# docs/requirements.md: that every requirement is there once, and that what it names exists. What else the page of operations demands of
# files alone: templates, contacts, issues.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

requirements() { "$PYTHON" "$TESTS/requirements.py" "$1" "$NETWEAVE_BIN" "$TESTS/requirements.txt"; }
# A copy with faults: a test, a file and a command that are not there, a row twice, a row without a test.
wrong() {
  local said
  mkdir -p "$WORK/wrong"
  ln -sfn "$ROOT"/{tests,deploy,proxy,adapters,benches,conf,.deny.toml,.github} "$WORK/wrong"
  cp -r "$ROOT/docs" "$WORK/wrong/docs"
  sed -i -e '/^| A80 /s/::NetweavePodsDown/::NetweavePodsUp/' -e '/^| A81 /s/RedisPrimaryDown.md/RedisPrimaryUp.md/' \
    -e '/^| A13 /s/redis status/redis state/' -e '/^| A82 /p' -e '/^| A83 /s/| `tests[^|]*|$/| seen |/' "$WORK/wrong/docs/requirements.md"
  said=$(requirements "$WORK/wrong") || true
  [ "$(grep -oE '^not ok (requirement_A8[013]|requirement_A13|requirements_are_those_of_the_list) ' <<<"$said" | wc -l)" = 5 ] || { echo "$said"; return 1; }
}
templates_are_there() { (cd "$ROOT/docs/runbooks" && ls templates/incident.md templates/post-incident.md && grep -q 'templates/incident.md' README.md && grep -q 'templates/post-incident.md' README.md); }
# Names and addresses to call are the reader's: documents hold none, and none that only looks like one.
no_contact_is_made_up() { ! grep -rnE '[A-Za-z0-9._-]+@[a-z0-9-]+\.[a-z]{2,}|mailto:|support@' "$ROOT"/docs/runbooks "$ROOT"/docs/*.md "$ROOT"/README.md; }
issue_templates_have_labels() { (cd "$ROOT/.github/ISSUE_TEMPLATE" && grep -qx 'labels: \[documentation\]' documentation.yml && grep -qx 'labels: \[enhancement\]' enhancement.yml); }

said=$(requirements "$ROOT") || true
cases requirements printf '%s\n' "$said"
sed -n 's/^figure: /figure: /p' <<<"$said"
holds faults_are_seen wrong
holds templates_are_there templates_are_there
holds no_contact_is_made_up no_contact_is_made_up
holds issue_templates_have_labels issue_templates_have_labels
done_with_cases
