"""Commands in documents: documents.py RENDERED NETWEAVE FILE...

Looks at every line of the fenced blocks (or at every line of a .txt): what it selects must be in the rendered objects, folders and files of
the repository must be there, and the gateway must have the command. Whether they work is a matter of commands.py.
"""

import re
import subprocess
import sys
from pathlib import Path

from manifests import Cases, find, load, matches

NAMESPACES = ("o2ims-system", "default")
HEALTH = "(healthz|livez|readyz|metrics|o2ims-infrastructureInventory)"


def blocks(path):
    """The fenced blocks: each with its mark and its lines, continued ones joined."""
    mark, lines, found = None, [], []
    for line in Path(path).read_text().splitlines():
        if line.startswith("```"):
            if mark is None:
                mark, lines = line[3:].strip(), []
            else:
                found.append((mark, "\n".join(lines)))
                mark = None
        elif mark is not None:
            lines.append(line)
    return found


def commands(path):
    """Every line that is a command."""
    texts = [Path(path).read_text()] if path.endswith(".txt") else [text for _, text in blocks(path)]
    for text in texts:
        for line in text.replace("\\\n", " ").splitlines():
            line = " ".join(line.strip().removeprefix("$ ").split())
            if re.match(r"(kubectl|helm|netweave|curl|systemd-analyze|install|docker) ", line):
                yield line


def labels_of(objects):
    """The labels of every object, and of the pods and endpoints that controllers make from them."""
    for one in objects:
        yield one["metadata"].get("labels", {})
        yield one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})


def check(line, objects, netweave):
    """Asserts that what a command names is there."""
    if "redis-" in line and "kubectl exec" in line:
        return
    for part in line.split(" | "):
        for name in re.findall(r" (?:-n|--namespace)[ =](\S+)", part) if re.match("kubectl|helm", part) else []:
            assert name in NAMESPACES, f"namespace {name}"
    for text in re.findall(r" -l (\S+)", line):
        wanted = dict(pair.split("=", 1) for pair in text.split(","))
        if "kubernetes.io/service-name" not in wanted:
            assert any(matches(labels, {"matchLabels": wanted}) for labels in labels_of(objects)), f"nothing is labelled {text}"
    for name, ports in re.findall(r"svc/(\S+) (\d+:\d+)", line):
        service = find(objects, "Service", name)
        assert service and int(ports.split(":")[1]) in [port["port"] for port in service["spec"]["ports"]], f"{name} {ports}"
    for name in re.findall(r"deploy(?:ment)?/([a-z][-a-z]*)\b(?!/)(?= |$)", line):
        assert find(objects, "Deployment", name), f"Deployment {name}"
    for host in re.findall(r"https://([-a-z0-9.]+)\.svc\.cluster\.local/" + HEALTH, line):
        name, namespace = host[0].split(".")
        service = find(objects, "Service", name)
        assert service and service["metadata"]["namespace"] == namespace and 443 in [port["port"] for port in service["spec"]["ports"]], host
    for path in re.findall(r"(?<![\w/.-])((?:deploy|docs|tests)/[\w./-]*[\w])", line):
        inside = Path(__file__).parents[2] / path
        assert inside.exists() or re.match(r"deploy(ment)?/netweave-gateway$", path), f"{path} is not there"
    for words in re.findall(r"(?:^|-- |\| )netweave ((?:[a-z][-a-z]*(?: |$))+)", line):
        words = words.split()
        while words and subprocess.run([netweave, *words, "--help"], capture_output=True, env={}).returncode:
            words = words[:-1]
        assert words, f"netweave has no such command: {line}"


def main(rendered, netweave, *files):
    """Checks all commands."""
    cases, objects = Cases(), load(rendered)
    for path in files:
        for number, line in enumerate(commands(path), 1):
            name = f"command_{Path(path).stem}_{number}"
            try:
                check(line, objects, netweave)
                cases.case(name, True)
            except AssertionError as fault:
                cases.case(name, False, f"{line}: {fault}")
    cases.exit()


main(*sys.argv[1:])
