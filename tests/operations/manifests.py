"""Reads rendered manifests: objects as dictionaries, and what is in them.

As a program: `manifests.py FILE` prints the gateway's configuration; `dashboards FILE FOLDER` and `test FILE RENDERED` check what Helm makes for
Grafana and for `helm test`.
"""

import sys
from pathlib import Path

import yaml

NAME = "netweave-gateway"
# What Helm says of itself, and Kustomize cannot.
HELM_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")


def load(path):
    """All objects of a file, in its order."""
    with open(path) as file:
        return [one for one in yaml.load_all(file, Loader=yaml.CSafeLoader) if one]


def find(objects, kind, name=NAME):
    """The one object of this kind and name; None if there is none."""
    found = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    assert len(found) < 2, f"{kind} {name} is there {len(found)} times"
    return found[0] if found else None


def pod(objects):
    """The pod template of the Deployment."""
    return find(objects, "Deployment")["spec"]["template"]


def container(objects):
    """The gateway's container, the only one."""
    (only,) = pod(objects)["spec"]["containers"]
    return only


def config(objects):
    """The gateway's configuration, as text."""
    return find(objects, "ConfigMap")["data"]["netweave.yaml"]


def matches(labels, selector):
    """Whether labels fit a label selector as objects have it; an empty one fits all."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions", []):
        value = labels.get(rule["key"])
        fits = {
            "In": lambda: value in rule["values"],
            "NotIn": lambda: value not in rule["values"],
            "Exists": lambda: value is not None,
            "DoesNotExist": lambda: value is None,
        }[rule["operator"]]()
        if not fits:
            return False
    return True


def strings(value):
    """Every text in a value, keys too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


class Cases:
    """Counts cases as they are printed, one a line."""

    def __init__(self):
        self.bad = 0

    def case(self, name, held, reason=""):
        """Prints one case."""
        self.bad += not held
        print(f"ok {name}" if held else f"not ok {name} {' '.join(str(reason).split())[:600]}")

    def exit(self):
        """Ends the program."""
        sys.exit(1 if self.bad else 0)


def dashboards(made, folder):
    """Asserts that there is a labelled ConfigMap for each dashboard."""
    found = {name: text for one in load(made) for name, text in one["data"].items() if one["metadata"]["labels"]["grafana_dashboard"] == "1"}
    assert found == {path.name: path.read_text() for path in Path(folder).glob("*.json")}, sorted(found)


def test(made, rendered):
    """Asserts that the pod of the test is one of ours, restricted, and none that the Service or the Deployment takes for its own."""
    (one,), objects = load(made), load(rendered)
    spec, (only,) = one["spec"], one["spec"]["containers"]
    assert one["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert only["image"] == container(objects)["image"] and only["args"][:2] == ["healthcheck", "--ready"], only
    assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
    assert only["securityContext"]["readOnlyRootFilesystem"] and only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    for selector in (find(objects, "Service")["spec"]["selector"], find(objects, "Deployment")["spec"]["selector"]["matchLabels"]):
        assert not matches(one["metadata"]["labels"], {"matchLabels": selector}), selector


def main(what, *rest):
    """Does what is asked for."""
    if rest:
        {"dashboards": dashboards, "test": test}[what](*rest)
    else:
        print(config(load(what)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
