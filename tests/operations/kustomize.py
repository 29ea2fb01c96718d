"""Kustomize bases from what Helm renders: kustomize.py write RENDERED FOLDER, or kustomize.py equal RENDERED BUILT.

A base has the same objects without the labels that speak of Helm. The configuration is a file of its own, `netweave.yaml`, so that an
overlay can replace it.
"""

import sys
from pathlib import Path

import manifests
import yaml
from manifests import load

MADE = "# Made by deploy/kustomize/write.sh; do not edit.\n"


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and nothing as a reference."""

    def ignore_aliases(self, data):
        return True


def text(dumper, value):
    """A text: as a block if it has lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def dump(value):
    """One document."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, width=140, allow_unicode=True)


def without_helm(value):
    """The same without the labels that only Helm writes."""
    if isinstance(value, dict):
        return {key: without_helm(inner) for key, inner in value.items() if key not in manifests.HELM_LABELS}
    return [without_helm(one) for one in value] if isinstance(value, list) else value


def write(rendered, folder):
    """Writes the three files of a base."""
    objects, folder = without_helm(load(rendered)), Path(folder)
    config = manifests.find(objects, "ConfigMap")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "netweave.yaml").write_text(MADE + manifests.config(objects))
    (folder / "objects.yaml").write_text(MADE + "---\n".join(dump(one) for one in objects if one is not config))
    generator = {
        "name": config["metadata"]["name"],
        "namespace": config["metadata"]["namespace"],
        "files": ["netweave.yaml"],
        "options": {"disableNameSuffixHash": True, "labels": config["metadata"]["labels"]},
    }
    base = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": ["objects.yaml"], "configMapGenerator": [generator]}
    (folder / "kustomization.yaml").write_text(MADE + dump(base))


def keyed(objects):
    """Objects by kind and name; the configuration as what it says."""
    for one in objects:
        if one["kind"] == "ConfigMap":
            one["data"] = {key: yaml.safe_load(value) for key, value in one["data"].items()}
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def equal(rendered, built):
    """Exits 1 and names the objects that differ."""
    left, right = keyed(without_helm(load(rendered))), keyed(load(built))
    differing = [key for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
    if differing or not left:
        sys.exit(f"differ: {differing}; deploy/kustomize/write.sh writes them anew")


{"write": write, "equal": equal}[sys.argv[1]](*sys.argv[2:])
