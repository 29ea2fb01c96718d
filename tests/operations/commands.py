"""Runs the commands of documents: commands.py TABLE FILE..., in the current folder.

A block that is fenced without a mark, or with `sh` or `bash`, is run, one command after the other, in one shell for each document; in a block
with lines that begin with `$ `, these are the commands, and the rest is what they answer. Runbooks share a shell: their README comes first.
The table says which commands are not run and why, what words in capitals stand for, and which commands go on until they are stopped.

Prints one line per case, and `figure: commands=N marked=N`.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from manifests import Cases

RUN = ("", "sh", "bash")
SECONDS = 60
# What says that nothing was there, however it ends.
NOTHING = ("No resources found", "command not found", "error: unrecognized subcommand", "error: unexpected argument")


def blocks(text):
    """The commands of each block that is run."""
    mark, lines = None, []
    for line in text.splitlines():
        if mark is None and line.startswith("```"):
            mark, lines = line[3:].strip(), []
        elif line.startswith("```"):
            if mark in RUN:
                yield from split(lines)
            mark = None
        elif mark is not None:
            lines.append(line)


def split(lines):
    """The commands of a block: continued lines are one, blank lines and comments none."""
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def table(path):
    """({word: what it stands for}, [(pattern, how it is run)], [(pattern, why it is not)])."""
    words, beside, apart = {}, [], []
    for line in Path(path).read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, name, value = (part.strip() for part in line.split(" | ", 2))
        if kind == "word":
            words[name] = value
        else:
            {"beside": beside, "apart": apart}[kind].append((re.compile(name), value))
    return words, beside, apart


def fitting(rules, command):
    """What the first rule says whose pattern fits, or None."""
    return next((said for pattern, said in rules if pattern.search(command)), None)


class Shell:
    """One shell for the commands of a document; what it has started ends with it."""

    def __init__(self, words):
        self.words = words
        self.file = tempfile.NamedTemporaryFile("w+", suffix=".sh")
        self.out = tempfile.NamedTemporaryFile("w+")
        self.process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        self.send("shopt -s expand_aliases; set -o pipefail")

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, command):
        """(exit code, output); an error if it takes too long."""
        for word, value in self.words.items():
            command = re.sub(rf"(?<![\w$.-]){word}(?![\w-])", lambda _, value=value: value, command)
        self.file.seek(0)
        self.file.truncate()
        self.file.write(command + "\n")
        self.file.flush()
        self.out.seek(0)
        self.out.truncate()
        self.send(f". {self.file.name} >>{self.out.name} 2>&1 </dev/null; echo $?")
        signal.alarm(SECONDS)
        try:
            code = int(self.process.stdout.readline() or -1)
        except TimeoutError:
            code = -1
        signal.alarm(0)
        return code, Path(self.out.name).read_text(errors="replace")

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def late(*_):
    raise TimeoutError


def good(shell, command):
    """Whether a command does what it is there for, its exit code and its output.

    A search at its end may find nothing, as what it looks for need not have happened; what it searches has to be there.
    """
    code, output = shell.run(command)
    searched, _, search = command.rpartition(" | grep ")
    if code == 1 and not output and searched and " -q" not in search:
        code, output = shell.run(searched)
        return code == 0 and bool(output.strip()), code, output
    return code == 0 and not any(text in output for text in NOTHING), code, output


def main(path, *files):
    """Runs all documents."""
    signal.signal(signal.SIGALRM, late)
    cases, (words, beside, apart) = Cases(), table(path)
    ran = marked = 0
    shell, folder = None, None
    for file in files:
        number, last, folder = 0, folder, Path(file).parent
        if shell is None or last != folder or folder.name != "runbooks":
            if shell:
                shell.close()
            shell = Shell(words)
        name = "_".join(Path(file).with_suffix("").parts[-2:]).lower() if folder.name == "runbooks" else Path(file).stem.lower()
        for line in blocks(Path(file).read_text()):
            if reason := fitting(apart, line):
                marked += 1
                print(f"not run, {reason}: {line}")
                continue
            number, ran = number + 1, ran + 1
            how = fitting(beside, line)
            fine, code, output = good(shell, how.replace("COMMAND", line.rstrip().removesuffix("&").rstrip()) if how else line)
            cases.case(f"run_{name}_{number}", fine, f"{line}: {code} {' '.join(output.split())[-400:]}")
            if code == -1:  # it goes on; the rest needs a shell that listens
                shell.close()
                shell = Shell(words)
    shell.close()
    print(f"figure: commands={ran} marked={marked}")
    cases.exit()


main(*sys.argv[1:])
