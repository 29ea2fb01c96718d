"""Compares rules and dashboards with the gateway's metrics, and runs them on a live Prometheus.

Usage: check.py names|live|outage ROOT PROMETHEUS-URL OPS-URL. Prints one line per case, `ok NAME` or `not ok NAME reason`.
"""

import json
import pathlib
import re
import sys
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(sys.argv[2])
PROMETHEUS, OPS = sys.argv[3], sys.argv[4]
HERE = ROOT / "tests/operations/rules"
# What Prometheus itself adds to every series, and what histograms have.
TARGET = {"job", "instance"}
OURS = re.compile(r"^(o2ims_|netweave_|netweave:|process_|up$)")
# How long the live gateway may take until everything has data, in seconds.
PATIENCE = 240


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def api(path, **parameters):
    return json.loads(get(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]


def verdict(name, faults):
    print(f"ok {name}" if not faults else f"not ok {name} {'; '.join(sorted(faults))[:900]}")


def families():
    """All series of the source with their labels: histograms are three."""
    text = (ROOT / "proxy/src/telemetry/metrics.rs").read_text()
    found = {}
    for make, name, labels in re.findall(r'= (\w+)\("([a-z0-9_]+)", "[^"]*"(?:, &\[([^\]]*)\])?\);', text):
        labels = set(re.findall(r'"(\w+)"', labels))
        if make in ("seconds", "bytes"):
            found[f"{name}_bucket"] = labels | {"le"}
            found[f"{name}_sum"] = found[f"{name}_count"] = labels
        else:
            found[name] = labels
    return found


def family(series):
    return re.sub(r"_(bucket|sum|count)$", "", series)


def rules():
    return [rule | {"group": group["name"]} for group in api("rules")["groups"] for rule in group["rules"]]


def dashboards():
    for path in sorted((ROOT / "deploy/grafana").glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def targets(board):
    """Every expression of a dashboard: its panel's title, the expression, the legend."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], target["legendFormat"]
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], annotation["expr"], annotation["titleFormat"]


def expressions():
    """What is to be checked: where it is, the expression, the legend."""
    for rule in rules():
        yield rule["name"], rule["query"], ""
    for name, board in dashboards():
        for title, expr, legend in targets(board):
            yield f"{name}/{title}", expr, legend


def selectors(expr):
    """The series that an expression names, each with its matchers."""
    for name, matchers in re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(?!\s*\()", strip(expr)):
        if OURS.match(name):
            yield name, re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"', matchers)


def strip(expr):
    return re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", expr)


def faults_of(where, expr, legend, known, recorded, source):
    have = set(TARGET)
    for name, matchers in selectors(expr):
        if name in recorded:
            have |= {"adapter"}
            continue
        if name not in known and name != "up":
            yield f"{where}: there is no metric {name}"
            continue
        labels = known.get(name, set()) | TARGET
        have |= labels
        for label, operator, value in matchers:
            if label not in labels:
                yield f"{where}: {name} has no label {label}"
            elif label not in {"job", "path", "le"} and re.fullmatch(r"[\w|-]+", value):
                yield from (f"{where}: {name} has never {label}={one}" for one in value.split("|") if f'"{one}"' not in source)
        if name != "job" and not any(label == "job" for label, _, _ in matchers):
            yield f"{where}: {name} is not asked for by its job"
    grouped = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr)
    for label in {one.strip() for group in grouped for one in group.split(",")} | set(re.findall(r"\{\{(\w+)\}\}", legend)):
        if label and label not in have:
            yield f"{where}: nothing there has a label {label}"


def check_names():
    known = families()
    found = rules()
    recorded = {rule["name"] for rule in found if rule["type"] == "recording"}
    # Thresholds without a record hold the numbers of production; only a topology says otherwise.
    recorded |= set(re.findall(r'record: "(netweave:threshold:\w+)"', "".join(p.read_text() for p in (ROOT / "deploy/prometheus/topology").glob("*.yaml"))))
    thresholds = {name for rule in found for name, _ in selectors(rule["query"]) if name.startswith("netweave:threshold:")}
    recorded |= thresholds & {"netweave:threshold:client_certificate_seconds"}
    source = "".join(path.read_text() for part in ("proxy/src", "adapters") for path in (ROOT / part).rglob("*.rs"))
    faults, used = [], set()
    for where, expr, legend in expressions():
        faults += faults_of(where, expr, legend, known, recorded, source)
        used |= {name for name, _ in selectors(expr)}
    verdict("rules_and_dashboards_name_what_there_is", faults)
    absent = {family(name) for name in known} - {family(name) for name in used}
    verdict("every_metric_is_in_a_rule_or_on_a_dashboard", [f"{name} is nowhere" for name in absent])
    verdict("the_document_has_every_metric_and_no_other", list(undocumented(known)))
    verdict("metrics_of_a_live_gateway_are_those_of_the_source", list(live_metrics(known)))
    verdict("every_alert_has_a_case_that_fires_and_one_that_does_not", list(untested(found)))
    verdict("dashboards_are_portable", list(unportable()))


def undocumented(known):
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", (ROOT / "docs/monitoring.md").read_text(), re.M)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    have = {family(name): labels - {"le"} for name, labels in known.items()}
    yield from (f"{name}: {told.get(name)} in docs/monitoring.md, {have.get(name)} in the source" for name in told.keys() | have.keys() if told.get(name) != have.get(name))


def live_metrics(known):
    for line in get(f"{OPS}/metrics").splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels = re.match(r"(\w+)(\{.*\})?", line).groups()
        labels = set(re.findall(r'(\w+)="', labels or ""))
        if name not in known:
            yield f"{name} is not in the source"
        elif labels != known[name]:
            yield f"{name} has {sorted(labels)}, in the source {sorted(known[name])}"


def untested(found):
    text = "".join(path.read_text() for path in HERE.glob("*.test.yaml"))
    cases = re.findall(r'expr: ALERTS\{alertname="(\w+)", alertstate="firing"\}\s+eval_time: \S+\s+exp_samples:( \[\])?', text)
    for alert in (rule["name"] for rule in found if rule["type"] == "alerting"):
        for empty, what in (("", "fires"), (" []", "does not fire")):
            if (alert, empty) not in cases:
                yield f"{alert}: no case in which it {what}"


def unportable():
    uids = [board["uid"] for _, board in dashboards()]
    if len(uids) != 3 or len(set(uids)) != 3:
        yield f"three dashboards, not {uids}"
    for name, board in dashboards():
        if board["schemaVersion"] > 36:
            yield f"{name}: Grafana 9 does not know its schema"
        kinds = {panel["type"] for panel in board["panels"]}
        yield from (f"{name}: panels of the kind {kind}" for kind in kinds - {"row", "stat", "timeseries"})
        if len({panel["id"] for panel in board["panels"]}) != len(board["panels"]):
            yield f"{name}: two panels have one id"
        parts = [part for panel in board["panels"] for part in [panel, *panel.get("targets", [])] if panel["type"] != "row"]
        yield from (f"{name}: a data source that is not the variable" for part in parts if part["datasource"]["uid"] != "${datasource}")


def excuses():
    """What may have no data on this gateway: a part of the expression, and why."""
    lines = (HERE / "may-be-empty.txt").read_text().splitlines()
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


def has_data(expr):
    result = api("query", query=expr.replace("$__rate_interval", "1m"))["result"]
    return any(sample["value"][1] != "NaN" for sample in result)


def check_live():
    excused = excuses()
    wanted = [(where, expr) for where, expr, _ in ((f"{n}/{t}", e, l) for n, b in dashboards() for t, e, l in targets(b))]
    wanted += [(rule["name"], rule["name"]) for rule in rules() if rule["type"] == "recording"]
    used = {part for part in excused for _, expr in wanted if part in expr}
    verdict("every_exception_is_used_and_has_a_reason",
            [f"{part} is in no expression" for part in set(excused) - used] + [f"{part} has no reason" for part in excused if not excused[part].strip()])
    waiting = [(where, expr) for where, expr in wanted if not any(part in expr for part in excused)]
    count = len(waiting)
    end = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < end:
        waiting = [(where, expr) for where, expr in waiting if not has_data(expr)]
        time.sleep(1)
    faults = [f"{where}: {expr}" for where, expr in waiting]
    verdict("dashboards_have_data", faults)
    print(f"# {count} expressions had data, {len(wanted) - count} may have none", file=sys.stderr)
    for _, expr in wanted:  # what may be empty must still be an expression
        has_data(expr)
    verdict("every_rule_is_evaluated", [f"{rule['name']}: {rule['lastError']}" for rule in rules() if rule.get("lastError")])
    verdict("a_dead_letter_is_told", [] if wait_for("NetweaveDeadLetters", 30) else ["NetweaveDeadLetters is not active"])
    active = [rule["name"] for rule in rules() if rule["type"] == "alerting" and rule["state"] != "inactive" and rule["labels"]["priority"] == "P1"]
    verdict("nothing_is_critical_on_a_gateway_that_is_well", active)


def wait_for(alert, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(rule["name"] == alert and rule["state"] != "inactive" for rule in rules() if rule["type"] == "alerting"):
            return True
        time.sleep(0.5)
    return False


def check_outage():
    verdict("a_dead_redis_is_told", [] if wait_for("NetweaveRedisPrimaryDown", 60) else ["NetweaveRedisPrimaryDown is not active"])


{"names": check_names, "live": check_live, "outage": check_outage}[sys.argv[1]]()
