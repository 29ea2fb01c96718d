"""Checks docs/requirements.md: requirements.py ROOT NETWEAVE IDS.

Prints one line per case, and `figure: requirements=N open=N`. A row is `| id | what | where | shown by |`. Places are files, or commands of
the program; tests are `FILE::NAME`, where NAME is a function of a Rust or Python file, or a word of any other one. A row says `open: REASON`,
or names a test.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from manifests import Cases

ROW = re.compile(r"^\| ([AB]\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")


def rows(text):
    """(id, what, where, shown by) of each row."""
    return [match.groups() for match in map(ROW.match, text.splitlines()) if match]


def has_command(netweave, words):
    """Whether the program has this command with these flags; without the variables of the tests, which it would take for keys."""
    names = [word for word in words if not word.startswith("-")]
    done = subprocess.run([netweave, *names, "--help"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    return done.returncode == 0 and all(word in done.stdout for word in words if word.startswith("-"))


def place(root, netweave, code):
    """What is wrong with a place, or None."""
    if code.startswith("netweave "):
        return None if has_command(netweave, code.split()[1:]) else f"there is no {code}"
    return None if (root / code).is_file() else f"{code} is no file"


def test(root, code):
    """What is wrong with the name of a test, or None."""
    path, _, name = code.partition("::")
    file = root / path
    if not file.is_file():
        return f"{path} is no file"
    text = file.read_text()
    if file.suffix == ".rs" and name:
        found = re.search(rf"\bfn {re.escape(name)}\b", text)
    elif name:
        found = re.search(rf"(?<!\w){re.escape(name)}", text)
    else:
        found = re.search(r"#\[tokio::test|#\[test|suite!", text)
    return None if found else f"{path} has no {name or 'test'}"


def faults(root, netweave, row):
    """What is wrong with a row."""
    _, _, where, shown = row
    told, _, reason = shown.partition("open:")
    places, tests = re.findall(r"`([^`]+)`", where), re.findall(r"`([\w./-]+\.(?:rs|sh|py|yaml|txt)(?:::[\w-]+)?)`", told)
    yield from filter(None, (place(root, netweave, code) for code in places))
    yield from filter(None, (test(root, code) for code in tests))
    if not places:
        yield "names no place"
    if not tests and not reason.strip():
        yield "names no test and is not open"


def main(root, netweave, ids):
    """Checks every row, and that all are there."""
    root, cases = Path(root), Cases()
    text = (root / "docs/requirements.md").read_text()
    found = rows(text)
    wanted = [word for line in Path(ids).read_text().splitlines() if not line.startswith("#") for word in line.split()]
    names = [row[0] for row in found]
    lines = sum(1 for line in text.splitlines() if re.match(r"\| *[AB]\d", line))
    cases.case("requirements_are_those_of_the_list", sorted(names) == sorted(wanted), f"{sorted(set(names) ^ set(wanted))}, or one twice")
    cases.case("requirements_have_their_columns", lines == len(found), f"{lines} lines, {len(found)} rows")
    for row in found:
        said = "; ".join(faults(root, netweave, row))
        cases.case(f"requirement_{row[0]}", not said, said)
    print(f"figure: requirements={len(found)} open={sum('open:' in row[3] for row in found)}")
    cases.exit()


main(*sys.argv[1:])
