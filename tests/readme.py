#!/usr/bin/env python3
"""Writes the last column of the tables of `tests/README.md`: the tests that hold each row.

    tests/readme.py [--check]

The tables are those behind a line `<!-- tests: … -->`; their other columns are written by hand. A
test names its rows in the comment lines directly above its attributes and doc comment:

    // Row: the keyring
    // Codex: name_of_a_test_of_codex: what differs here

A transcript does the same behind `#`. A test whose name begins with `row_12_` is of row 12 also
without such a line. `--check` writes nothing, and exits with 1 if the file is not current. A row
without tests is an error, and so is a row that no table has. Needs git and Python's standard
library.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "tests" / "README.md"
TRANSCRIPTS = "tests/transcripts/"
# The lines between a mark and the name of its test: further marks, the doc comment, attributes.
MARK = re.compile(r"^\s*(?://|#) (Row|Codex): (.+)$")
BETWEEN = re.compile(r"^\s*(?://|#\[)|^\s*[\w =\",:]*\)?\]$")
FUNCTION = re.compile(r"^\s*(?:pub )?(?:async )?fn (\w+)")
OF_ROW = re.compile(r"row_(\d+)_")


class Wrong(Exception):
    """The sources or the tables do not fit together."""


def tracked():
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs",
         f"{TRANSCRIPTS}*.txt"],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
    ).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def place_of(name):
    """Returns how the tables name a file: black-box tests by their target, others by their path."""
    if not name.startswith("tests/tests/"):
        return name
    return name.split("/")[2].removesuffix(".rs")


def split_mark(kind, value):
    """Returns the row of a mark, and the note behind it."""
    if kind == "Row":
        return value, ""
    row, _, note = value.partition(": ")
    return row, f": {note}" if note else ""


def marks_of_transcript(name, text):
    title = name.removeprefix(TRANSCRIPTS).removesuffix(".txt")
    for line in text.splitlines():
        if found := MARK.match(line):
            row, note = split_mark(*found.groups())
            yield row, f"`{title}`{note}"


def marks_of_source(name, text):
    pending = []
    for number, line in enumerate(text.splitlines(), 1):
        if found := MARK.match(line):
            pending.append(split_mark(*found.groups()))
        elif found := FUNCTION.match(line):
            test = f"`{place_of(name)}::{found[1]}`"
            for row, note in pending:
                yield row, f"{test}{note}"
            pending = []
            if number_of_row := OF_ROW.match(found[1]):
                yield str(int(number_of_row[1])), test
        elif pending and not BETWEEN.match(line):
            raise Wrong(f"{name}:{number}: no test follows the row {pending[0][0]!r}")
    if pending:
        raise Wrong(f"{name}: no test follows the row {pending[0][0]!r}")


def holders():
    """Returns the tests of each row."""
    found = collections.defaultdict(set)
    for name in tracked():
        text = (ROOT / name).read_text()
        marks = marks_of_transcript if name.startswith(TRANSCRIPTS) else marks_of_source
        for row, test in marks(name, text):
            found[row].add(test)
    return found


def written(text, tests):
    """Returns the document with the tests in the last column of each marked table."""
    written, left = [], dict(tests)
    lines = iter(text.split("\n"))
    for line in lines:
        written.append(line)
        if not line.startswith("<!-- tests:"):
            continue
        # The head, and the line below it.
        written += [next(lines), next(lines)]
        for line in lines:
            if not line.startswith("| "):
                written.append(line)
                break
            cells = line.removeprefix("| ").removesuffix(" |").split(" | ")[:-1]
            row = cells[0].strip("`")
            if row not in left:
                raise Wrong(f"no test names the row {row!r}")
            cells.append(", ".join(sorted(left.pop(row))))
            written.append(f"| {' | '.join(cells)} |")
    if left:
        row, names = next(iter(left.items()))
        raise Wrong(f"{min(names)} names the row {row!r}, which no table has")
    return "\n".join(written)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="only report whether it is current")
    arguments = parser.parse_args()
    before = README.read_text()
    try:
        after = written(before, holders())
    except Wrong as error:
        print(f"tests/README.md: {error}", file=sys.stderr)
        return 1
    if arguments.check:
        if after != before:
            print("tests/README.md is not current: run tests/readme.py", file=sys.stderr)
        return int(after != before)
    README.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
