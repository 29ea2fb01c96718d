"""Raises the alerts of docs/faults.md in a lab, has them diagnosed, and clears them.

Usage: faults.py ROOT NETWEAVE-BINARY LAB-FOLDER [all | ALERT...]. Prints one line per alert, `ok NAME` or `not ok NAME reason`.

The rules are those of deploy/prometheus with every duration divided by FACTOR and each group evaluated once a second; expressions and
thresholds are the same. Rows of one fault and load are raised together, and so are faults that do not touch each other (TOGETHER).
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

ROOT, NETWEAVE, LAB, WANTED = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]), [word for word in sys.argv[4:] if word]
FACTOR = 60
# Faults that leave each other alone, raised at the same time.
TOGETHER = [
    {"certificate-ends", "redis-evicts", "audit-collector"},
    {"crl-stale", "gateways"},
    {"certificate-ends-soon", "sentinel", "smo-rejects", "crl-ends"},
    {"redis-fills-up", "connections"},
    {"redis-replica-hangs", "certificate-broken", "callback-files"},
    {"redis-limit-keys", "cache-misses"},
    {"redis-loses-keys", "smo-slow"},
]
RAISED, CLEARED = 240, 150  # seconds within which an alert fires, and ends
CALM = 3  # seconds without any before the next fault
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = r"(\d+(?:ms|s|m|h|d))"
# Where a rule file has durations: behind `for:` and `interval:`, in ranges, and in offsets. Names such as rate5m are none.
PLACES = re.compile(rf"(?P<head>\bfor: |\binterval: |\boffset |\[)(?P<first>{DURATION})(?::(?P<step>{DURATION}))?")


def shortened(text):
    """Returns rules with all durations divided, and nothing else changed."""

    def divide(duration):
        number, unit = re.fullmatch(r"(\d+)(\D+)", duration).groups()
        return f"{max(int(number) * UNITS[unit] * 1000 // FACTOR, 1):.0f}ms"

    def place(match):
        if match["head"] == "interval: ":
            return "interval: 1s"
        return match["head"] + divide(match["first"]) + (":" + divide(match["step"]) if match["step"] else "")

    short = PLACES.sub(place, text)
    assert PLACES.sub("", short) == PLACES.sub("", text), "more than durations was changed"
    return short


def netweave(*words, fails=False):
    path = os.environ["PATH"]
    done = subprocess.run([NETWEAVE, *words], env={"PATH": path}, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode and not fails:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def lab(*words):
    return netweave("lab", *words, "--dir", str(LAB)).stdout


def rows():
    """Reads the table: one row for each alert."""
    lines = (ROOT / "docs/faults.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| [")]
    faults = [row for row in cells if len(row) == 7]
    return [
        {
            "alert": re.match(r"\[(\w+)\]", alert)[1],
            "priority": priority,
            "fault": fault.strip("`"),
            "load": load.strip("`").split(),
            "also": re.findall(r"\w+", also),
            "cause": cause.strip("`"),
        }
        for alert, priority, fault, load, also, cause, _fix in faults
    ]


class Prometheus:
    """The Prometheus of the lab, with shortened rules."""

    def __init__(self, parts):
        (part,) = [part for part in parts if part["kind"] == "prometheus"]
        self.url = part["url"]
        home = LAB / "prometheus"
        # The thresholds are those of the lab, as a pod's memory is the lab's to say.
        for source in [*(ROOT / "deploy/prometheus/rules").glob("*.yaml"), home / "rules/topology.yaml"]:
            (home / "rules" / source.name).write_text(shortened(source.read_text()))
        settings = home / "prometheus.yaml"
        short = re.sub(r"^global: .*", "global: { scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s }", settings.read_text())
        settings.write_text(short)
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/-/reload", method="POST"), timeout=10):
            pass

    def firing(self):
        """Returns the alerts that fire, with their priorities."""
        with urllib.request.urlopen(f"{self.url}/api/v1/alerts", timeout=10) as answer:
            alerts = json.load(answer)["data"]["alerts"]
        return {one["labels"]["alertname"]: one["labels"]["priority"] for one in alerts if one["state"] == "firing"}


def until(seconds, reached):
    """Waits; returns how long it took, or None."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if reached():
            return time.monotonic() - start
        time.sleep(0.5)
    return None


def serious(firing):
    return {name for name, priority in firing.items() if priority == "P1"}


class Round:
    """Rows whose faults are injected together."""

    def __init__(self, members, prometheus, operations):
        self.rows, self.prometheus, self.operations = members, prometheus, operations
        self.faults = list(dict.fromkeys(row["fault"] for row in members))
        self.mine = {row["alert"] for row in members}
        self.belong = self.mine | {name for row in members for name in row["also"]}
        self.bad = {}

    def complain(self, alert, text):
        self.bad.setdefault(alert, text)

    def run(self):
        if not self.calm():
            return self.all_bad(f"not calm before: {sorted(self.prometheus.firing())}")
        before = json.loads((LAB / "load.json").read_text())
        try:
            for word in dict.fromkeys(" ".join(row["load"]) for row in self.rows):
                if word:
                    lab("load", *word.split())
            for fault in self.faults:
                lab("fault", fault)
            self.raised()
        except RuntimeError as error:
            self.all_bad(str(error))
        finally:
            self.fix(before)
        self.cleared()

    def calm(self):
        """Waits until for a while no P1 fires, and none of these alerts."""
        since = None
        end = time.monotonic() + CLEARED
        while time.monotonic() < end:
            firing = self.prometheus.firing()
            if serious(firing) or self.mine & set(firing):
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() - since > CALM:
                return True
            time.sleep(0.5)
        return False

    def all_bad(self, text):
        for alert in self.mine:
            self.complain(alert, text)

    def raised(self):
        seen, strangers = {}, set()
        start = time.monotonic()
        while time.monotonic() - start < RAISED and not self.mine <= set(seen):
            firing = self.prometheus.firing()
            for name in firing:
                seen.setdefault(name, time.monotonic() - start)
            strangers |= serious(firing) - self.belong
            for row in self.rows:
                if row["alert"] in firing and "diagnosis" not in row:
                    row["diagnosis"] = self.diagnosed(row)
            time.sleep(0.5)
        for row in self.rows:
            alert, diagnosis = row["alert"], row.get("diagnosis", {})
            if alert not in seen:
                self.complain(alert, f"did not fire within {RAISED} s of {row['fault']}; what fires: {sorted(self.prometheus.firing())}")
            elif diagnosis["cause"] != row["cause"]:
                self.complain(alert, f"the diagnosis is {diagnosis['cause']}, not {row['cause']}: {diagnosis['sentence']} {diagnosis['evidence']}")
            if strangers:
                self.complain(alert, f"so do P1 that do not belong: {sorted(strangers)}")
            print(f"# {alert}: {row['fault']}: after {seen.get(alert, 0):.0f} s; {diagnosis.get('sentence', '')}", flush=True)

    def diagnosed(self, row):
        words = [word for url in self.operations for word in ("--ops", url)]
        done = netweave("runbook", row["alert"], "--diagnose", "--over", "3s", "-o", "json", *words, fails=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"cause": "none", "sentence": done.stderr.strip(), "evidence": []}

    def fix(self, load):
        for fault in reversed(self.faults):
            try:
                lab("fault", fault, "--undo")
            except RuntimeError as error:
                self.all_bad(f"the fix of {fault} fails: {error}")
        words = [[f"--{name}", str(value).lower()] for name, value in load.items()]
        lab("load", *[word for pair in words for word in pair])

    def cleared(self):
        took = until(CLEARED, lambda: not self.mine & set(self.prometheus.firing()))
        if took is None:
            left = self.mine & set(self.prometheus.firing())
            for alert in left:
                self.complain(alert, f"still fires {CLEARED} s after the fix")
        print(f"# {', '.join(self.faults)}: ended after {took} s", flush=True)


def rounds(wanted):
    """Puts rows into rounds, in the order of the table."""
    left = list(wanted)
    while left:
        first = left[0]
        together = next((group for group in TOGETHER if first["fault"] in group), {first["fault"]})
        members = [row for row in left if row["fault"] in together and (row["load"] == first["load"] or row["fault"] != first["fault"])]
        yield members
        left = [row for row in left if row not in members]


def complete():
    """Every alert of the first two priorities stands in one of the tables."""
    text = (ROOT / "docs/faults.md").read_text()
    files = (ROOT / "deploy/prometheus/rules").glob("*.yaml")
    alerts = re.findall(r"- alert: (\w+)(?:(?!- alert:).)*?priority: (P[12])", "".join(file.read_text() for file in files), re.DOTALL)
    missing = [name for name, priority in alerts if f"[{name}](runbooks/{name}.md) | {priority} |" not in text]
    print(f"not ok table_is_complete {missing}" if missing or len(alerts) < 40 else "ok table_is_complete", flush=True)


def main():
    complete()
    table = rows()
    parts = json.loads(lab("status", "-o", "json"))["parts"]
    prometheus = Prometheus(parts)
    operations = [part["ops"] for part in parts if part["ops"]]
    if WANTED and WANTED != ["all"]:
        wanted = [row for row in table if row["alert"] in WANTED]
    else:
        wanted = table if WANTED else [row for row in table if row["priority"] == "P1"]
    assert wanted, "no row of the table is wanted"
    for members in rounds(wanted):
        one = Round(members, prometheus, operations)
        one.run()
        for row in members:
            reason = one.bad.get(row["alert"])
            print(f"not ok alert_{row['alert']} {reason}"[:700] if reason else f"ok alert_{row['alert']}", flush=True)


main()
