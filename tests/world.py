#!/usr/bin/env python3
"""Runs the tests that docs/world.md lists against an older program and the present one, and writes
the two columns of results there.

    BYOKEY_OLD_BIN=…/byokey BYOKEY_BIN=target/debug/byokey tests/world.py [--only POINT] [--check]
        [--why] [--executables FOLDER] [--jobs NUMBER]

The older program is a build of the commit that the table names. Without BYOKEY_OLD_BIN its column
stays as it is; so does the other one without BYOKEY_BIN. A new row has "not run" in both.

`--only POINT` runs the rows of that first column. `--check` writes nothing, and fails where a test
of the present program fails. `--why` also prints how each failure was reported: a row has to fail
because of the fault that it names, and not because of an option or a text that the older program
does not have. `--executables FOLDER` takes the tests as they were built there, in place of building
them; rows whose file is not there keep their results. `--jobs NUMBER` files run at a time, 4 unless
another number is given.

A rule may be about the documentation. Its test reads the folder that BYOKEY_DOCS names: for the
older program that is the documentation of its own commit, as far as this clone has it.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs/world.md"
ROW = re.compile(r"^\| (\S+) \| (.*) \| `(\w+)::(\w+)` \| (.*) \| (.*) \|$")
# The commit of the older program, and the tests that read its documentation.
OLD_COMMIT = "0c19576"
READ_DOCUMENTS = {("codex_differences", "each_difference_has_its_row")}
DOCUMENTS = ("docs/compatibility.md",)
# How long one test may take. An older program can let it wait for each of its deadlines.
LIMIT = 240


def built(names):
    """Builds the tests of these files; returns where each executable is."""
    targets = [word for name in sorted(names) for word in ("--test", name)]
    command = ["cargo", "test", "--locked", "--workspace", "--no-run", "--message-format=json", *targets]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = (json.loads(line) for line in lines.splitlines())
    return {
        message["target"]["name"]: message["executable"]
        for message in messages
        if message.get("reason") == "compiler-artifact" and message.get("executable")
    }


def found(names, folder):
    """The newest executable of each of these files in a folder."""
    newest = {}
    for name in names:
        files = [path for path in folder.resolve().glob(f"{name}-*") if not path.suffix]
        if files:
            newest[name] = str(max(files, key=lambda path: path.stat().st_mtime))
    return newest


def reason(output):
    """The first panic in the output of a test, on one line."""
    found = re.search(r"panicked at (\S+):\n(.*?)(?:\nnote: |\n\n|\Z)", output, re.DOTALL)
    if not found:
        return output[-300:].replace("\n", " ")
    return f"{found[1]}: {found[2][:500]}".replace("\n", " ")


def old_documents(folder):
    """Writes the documents of the older commit into a folder; returns it, or None without them."""
    for name in DOCUMENTS:
        shown = subprocess.run(
            ["git", "show", f"{OLD_COMMIT}:{name}"], cwd=ROOT, capture_output=True, check=False
        )
        if shown.returncode != 0:
            why = shown.stderr.decode(errors="replace").strip()
            print(f"SKIPPED: tests that read the documentation of {OLD_COMMIT}: {why}", flush=True)
            return None
        (folder / pathlib.Path(name).name).write_bytes(shown.stdout)
    return folder


def run(executable, test, program, docs=None):
    """Runs one test against a program, and perhaps its documentation; returns one word, and the
    reason of a failure."""
    listed = subprocess.run([executable, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    names = [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]
    full = [name for name in names if name == test or name.endswith(f"::{test}")]
    if len(full) != 1:
        return "missing", ""
    environment = {**os.environ, "BYOKEY_BIN": program, "BYOKEY_RELEASE_BIN": program, "RUST_BACKTRACE": "0"}
    if docs:
        environment["BYOKEY_DOCS"] = str(docs)
    process = subprocess.Popen(
        [executable, "--exact", full[0], "--nocapture", "--test-threads", "1"],
        cwd=ROOT / "tests", env=environment, start_new_session=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "hangs", f"no end within {LIMIT} s"
    if process.returncode != 0:
        return "fails", reason(output)
    # The first line of a test follows its name.
    is_skipped = re.search(r"(?:^|\.\.\. )(?:SKIPPED|skipped):", output, re.MULTILINE)
    return ("skipped" if is_skipped else "passes"), ""


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--only")
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--why", action="store_true")
    arguments.add_argument("--executables", type=pathlib.Path)
    arguments.add_argument("--jobs", type=int, default=4)
    arguments = arguments.parse_args()
    lines = TABLE.read_text().splitlines()
    rows = {index: ROW.match(line).groups() for index, line in enumerate(lines) if ROW.match(line)}
    chosen = {i: row for i, row in rows.items() if arguments.only in (None, row[0])}
    files = {row[2] for row in chosen.values()}
    executables = found(files, arguments.executables) if arguments.executables else built(files)
    old, new = os.environ.get("BYOKEY_OLD_BIN"), os.environ.get("BYOKEY_BIN")
    programs = [path and str(pathlib.Path(path).resolve()) for path in (old, new)]

    # A folder may hold some of them only: the others keep their results.
    chosen = {i: row for i, row in chosen.items() if row[2] in executables}

    folder = tempfile.TemporaryDirectory()
    documents = old_documents(pathlib.Path(folder.name)) if old else None

    def results(name):
        # Tests of one file may share ports, and run one after another.
        done = {}
        for index, (point, rule, file, test, *before) in chosen.items():
            if file != name:
                continue
            ran = []
            for is_old, program, word in zip((True, False), programs, before):
                reads = is_old and (file, test) in READ_DOCUMENTS
                if program and (documents or not reads):
                    docs = documents if reads else None
                    ran.append(run(executables[name], test, program, docs))
                else:
                    ran.append((word, ""))
            words = [word for word, _ in ran]
            done[index] = words
            print(f"{point:>3}  {words[0]:8} {words[1]:8} {file}::{test}", flush=True)
            for column, (_, why) in zip(("then", "now"), ran):
                if why and arguments.why:
                    print(f"     {column}: {why}", flush=True)
        return done

    failed = False
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done in pool.map(results, sorted(executables)):
            for index, (before, now) in done.items():
                point, rule, file, test, *_ = rows[index]
                lines[index] = f"| {point} | {rule} | `{file}::{test}` | {before} | {now} |"
                failed |= now not in ("passes", "skipped")
    folder.cleanup()
    if not arguments.check:
        TABLE.write_text("\n".join(lines) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
