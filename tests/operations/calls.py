"""Whether a unit's SystemCallFilter passes every call of a seccomp profile: calls.py UNIT PROFILE. Exits 1 and names those that it stops."""

import json
import subprocess
import sys


def members(group, seen=()):
    """The calls of a group such as `@system-service`, with those of the groups in it."""
    lines = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True).stdout
    names = [line.strip() for line in lines.splitlines()[1:]]
    names = [name for name in names if name and not name.startswith("#")]
    inner = [name for name in names if name.startswith("@") and name not in seen]
    calls = {name for name in names if not name.startswith("@")}
    for name in inner:
        calls |= members(name, (*seen, group))
    return calls


def passed(lines):
    """What the filter lets through: lists are added, those with `~` taken away, in their order."""
    calls = set()
    for line in lines:
        names = line.removeprefix("~").split()
        wanted = set().union(*(members(name) if name.startswith("@") else {name} for name in names))
        calls = calls - wanted if line.startswith("~") else calls | wanted
    return calls


def main(unit, profile):
    filters = [line.split("=", 1)[1].strip() for line in open(unit) if line.startswith("SystemCallFilter=")]
    allowed = passed(filters)
    needed = {name for rule in json.load(open(profile))["syscalls"] for name in rule["names"]}
    stopped = sorted(needed - allowed)
    print(f"{len(needed)} calls needed, {len(allowed)} passed, stopped: {' '.join(stopped) or 'none'}")
    return 1 if stopped or not needed else 0


sys.exit(main(*sys.argv[1:]))
