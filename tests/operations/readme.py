"""Writes the table of values in the chart's README: readme.py CHART [--write]. Without --write, exits 1 if the README differs."""

import json
import sys

import yaml

BEGIN, END = "<!-- this table is written by tests/operations/readme.py -->", "<!-- end of the table -->"


def comments(lines):
    """The text of each key in `values.yaml`, by its path: a comment that begins with `# --` and goes on in lines that begin with `# `."""
    path, text, found = [], [], {}
    for line in lines:
        inner = line.strip()
        if inner.startswith("# --"):
            text = [inner[4:].strip()]
        elif inner.startswith("#"):
            text = [*text, inner[1:].strip()] if text else []
        elif inner and not inner.startswith("- ") and ":" in inner:
            depth = (len(line) - len(line.lstrip())) // 2
            path = [*path[:depth], inner.split(":")[0]]
            if text:
                found[".".join(path)] = " ".join(text)
            text = []
    return found


def leaves(values, texts, path=()):
    """Each documented key with its default, in the order of the file; a key without a text is a fault."""
    for key, value in values.items():
        name = ".".join([*path, key])
        if name in texts:
            yield name, value, texts[name]
        else:
            assert isinstance(value, dict) and value, f"{name} has no text in values.yaml"
            yield from leaves(value, texts, [*path, key])


def table(chart):
    """The table, as lines."""
    with open(f"{chart}/values.yaml") as file:
        lines = file.read().splitlines()
    values, texts = yaml.safe_load("\n".join(lines)), comments(lines)
    rows = list(leaves(values, texts))
    assert {name for name, _, _ in rows} == set(texts), "a text without a key"
    yield "| Value | Default | Meaning |"
    yield "|---|---|---|"
    for name, value, text in rows:
        default = value if isinstance(value, str) and value else json.dumps(value)
        yield f"| `{name}` | `{default}` | {text.replace('|', chr(92) + '|')} |"


def main(chart, write=""):
    """Compares or writes."""
    path = f"{chart}/README.md"
    with open(path) as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + "\n" + "\n".join(table(chart)) + "\n" + END + tail
    if write:
        with open(path, "w") as file:
            file.write(wanted)
    elif wanted != text:
        sys.exit("the table in README.md is not that of values.yaml: readme.py CHART --write")


main(*sys.argv[1:])
