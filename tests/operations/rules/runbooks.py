"""Compares runbooks with alerts, and what they say with what there is.

Usage: runbooks.py ROOT PROMETHEUS-URL NETWEAVE-BINARY. Prints one line per case, `ok NAME` or `not ok NAME reason`.
"""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

ROOT, PROMETHEUS, NETWEAVE = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
PAGES = ROOT / "docs/runbooks"
SECTIONS = ["Signal", "Meaning", "Check", "Fix", "Escalate"]
SEVERITY = {"P1": "critical", "P2": "warning", "P3": "info"}
# What must be said to whom, by priority: the times of the operations page.
ESCALATION = {"P1": ["Level 1", "15 minutes", "level 2", "30 minutes", "level 3", "hour"], "P2": ["Level 1", "hour", "level 2"], "P3": ["office hours"]}


def verdict(name, faults):
    print(f"ok {name}" if not faults else f"not ok {name} {'; '.join(sorted(faults))[:900]}")


def alerts():
    with urllib.request.urlopen(f"{PROMETHEUS}/api/v1/rules?type=alert", timeout=30) as answer:
        groups = json.load(answer)["data"]["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


def of_alert(name, rule):
    """Whether an alert has what everybody needs who is called by it."""
    priority = rule["labels"].get("priority")
    if rule["labels"].get("severity") != SEVERITY.get(priority, "") or "topic" not in rule["labels"]:
        yield f"{name}: labels {rule['labels']}"
    if rule["annotations"].get("runbook_url") != f"docs/runbooks/{name}.md":
        yield f"{name}: its runbook is {rule['annotations'].get('runbook_url')}"
    for key in ("summary", "description"):
        if not rule["annotations"].get(key):
            yield f"{name}: no {key}"


def of_page(name, text, rule):
    priority = rule["labels"]["priority"]
    if not text.startswith(f"# {name}\n\n{priority}."):
        yield f"{name}: title or priority"
    sections = dict(re.findall(r"^## (\w+)\n\n(.+?)(?=\n## |\Z)", text, re.S | re.M))
    if list(sections) != SECTIONS:
        yield f"{name}: sections {list(sections)}"
        return
    if "```" not in sections["Check"] or not sections["Fix"].startswith("- "):
        yield f"{name}: nothing to look at, or nothing to do"
    yield from (f"{name}: escalation does not say {part}" for part in ESCALATION[priority] if part not in sections["Escalate"])


def links(path, text):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("http") and not (path.parent / target).exists():
            yield f"{path.name}: {target} is not there"


@functools.cache
def help_of(*words):
    """The help of a command, or None if there is no such command."""
    # Without the variables of the tests, which the program would take for keys of its configuration.
    done = subprocess.run([NETWEAVE, *words, "--help"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    return done.stdout if done.returncode == 0 else None


def commands(text):
    """What is in code: every line of a block, and every inline piece."""
    for block in re.findall(r"^```\n(.*?)^```", text, re.S | re.M):
        yield from block.splitlines()
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def of_command(name, line):
    for words in re.findall(r"(?:^|-- )netweave ([a-z][^|]*)", line):
        words = words.split()
        path = [words[0]]
        if len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]) and "\nCommands:" in (help_of(words[0]) or ""):
            path.append(words[1])
        text = help_of(*path)
        if text is None:
            yield f"{name}: there is no command netweave {' '.join(path)}"
            continue
        yield from (f"{name}: netweave {' '.join(path)} knows no {flag}" for flag in words if re.match(r"--?[a-z]", flag) and flag not in re.findall(r"--?[\w-]+", text))
    if line.startswith("kubectl ") and "-n o2ims-system" not in line and "namespaces/o2ims-system/" not in line:
        yield f"{name}: {line} is about another namespace"
    for selector in re.findall(r"-l (\S+)", line):
        if line.startswith("kubectl ") and selector not in ("app=netweave-gateway", "app.kubernetes.io/name=redis"):
            yield f"{name}: nothing has the label {selector}"


found = alerts()
pages = {path.stem: path.read_text() for path in PAGES.glob("*.md") if path.stem != "README"}
verdict("every_alert_has_a_page_and_every_page_an_alert", [f"{name} is alone" for name in found.keys() ^ pages.keys()])
verdict("alerts_have_labels_and_annotations", [fault for name, rule in found.items() for fault in of_alert(name, rule)])
verdict("pages_have_their_sections", [fault for name, text in pages.items() if name in found for fault in of_page(name, text, found[name])])
documents = [*PAGES.rglob("*.md"), ROOT / "docs/monitoring.md"]
verdict("links_lead_somewhere", [fault for path in documents for fault in links(path, path.read_text())])
verdict("commands_exist", [fault for path in documents for line in commands(path.read_text()) for fault in of_command(path.stem, line)])
index = (PAGES / "README.md").read_text()
verdict("the_index_has_every_page", [f"{name} is missing" for name in pages if f"]({name}.md)" not in index])
