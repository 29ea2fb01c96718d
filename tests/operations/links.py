"""Checks the links of documents: links.py FILE... A link inside the repository leads to a file that is there, and to a heading of it."""

import re
import sys
from pathlib import Path

from manifests import Cases


def anchors(text):
    """The names under which the headings of a document can be reached."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def faults(path):
    """What is wrong with the links of a document."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", path.read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists():
            yield f"{target} is not there"
        elif anchor and anchor not in anchors(file.read_text()):
            yield f"{target} is no heading"


def main(*files):
    """Checks all documents."""
    cases = Cases()
    for file in map(Path, files):
        said = "; ".join(faults(file))
        cases.case(f"links_{file.parent.name}_{file.stem}", not said, said)
    cases.exit()


main(*sys.argv[1:])
