#!/usr/bin/env python3
"""Breaks the program in one place at a time, and expects the tests that protect the place to fail.

    tests/mutants/run.py [FILE...] [--row ROW] [--list]

A mutant is a change that takes something away; the lists beside this file name them and the tests
that must fail with each. A test that passes all the same protects nothing: it is told, and the
exit code is 1. Everything happens in a copy of the last commit under target/mutants/, which stays
for the next time. Needs cargo and git, and nothing of Python but itself (3.11 or newer).
"""

import argparse
import collections
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILDS = ROOT / "target" / "mutants"
TREE = BUILDS / "tree"
# Where cargo puts the program, by its profile.
PROGRAMS = {"dev": BUILDS / "debug" / "byokey", "no-trace": BUILDS / "no-trace" / "byokey"}
# How long a test may take, in seconds. One that takes longer has hung, and so has failed.
PATIENCE = 240
# How long a build may take.
BUILD_PATIENCE = 1800
# What a test that holds code of the program in itself imports. It is built anew for each mutant;
# the others only spawn the program and are built once.
HELD_CODE = ("byokey_app_server", "byokey_protocol")
# What the tests that are built once are made of.
MADE_OF = ("tests/src", "tests/tests", "tests/Cargo.toml", "dev-backend", "Cargo.lock")


class DoesNotCompile(Exception):
    pass


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def lists(files):
    paths = [pathlib.Path(file) for file in files] or sorted(HERE.glob("*.toml"))
    mutants = []
    for path in paths:
        with path.open("rb") as file:
            mutants += tomllib.load(file).get("mutant", [])
    return mutants


def profile(mutant):
    """How the program is built: optimised only where figures of the shipped one are promised."""
    return "no-trace" if mutant.get("optimised") else "dev"


def changes(mutant):
    """The places that a mutant changes: one, or several where each would do alone."""
    return [mutant, *mutant.get("also", [])]


# --- The copy of the sources.


def make_tree():
    commit = run("git", "rev-parse", "HEAD", cwd=ROOT).strip()
    if run("git", "status", "--porcelain", cwd=ROOT).strip():
        print("note: changes that are not committed are not in it")
    if (TREE / ".git").exists():
        # Files that are the same keep their time, so that little is built again.
        run("git", "reset", "--quiet", "--hard", cwd=TREE)
        run("git", "checkout", "--quiet", "--detach", commit, cwd=TREE)
    else:
        run("git", "worktree", "prune", cwd=ROOT)
        run("git", "worktree", "add", "--quiet", "--detach", str(TREE), commit, cwd=ROOT)
    # What setup scripts have installed.
    cache = TREE / ".cache"
    if not cache.is_symlink():
        cache.symlink_to(ROOT / ".cache")


def apply(mutant):
    """Changes the files; returns what they held."""
    held = {}
    for change in changes(mutant):
        path = TREE / change["file"]
        text = path.read_text()
        held.setdefault(path, text)
        count = text.count(change["from"])
        if count != 1:
            raise SystemExit(f"`{mutant['breaks']}`: found {count} times in {change['file']}")
        path.write_text(text.replace(change["from"], change["to"]))
    return held


def restore(held):
    # With a new time, so that cargo sees it.
    for path, text in held.items():
        path.write_text(text)


# --- Processes.


def adopt_orphans():
    """Has what a test leaves behind become a child of this process, so that it can be ended."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def end_children():
    """Ends what is left of a test that is over."""
    while True:
        children = []
        for task in pathlib.Path("/proc/self/task").iterdir():
            children += map(int, (task / "children").read_text().split())
        if not children:
            return
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def within(patience, words, **options):
    """Runs a command; returns its exit code, none if it was ended, and what it said."""
    # Into a file: what a test leaves behind would hold a pipe open.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
        try:
            code = process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            end_children()
        output.seek(0)
        return code, output.read()


def cargo(*words):
    """Runs cargo in the copy; returns the executables that it tells of, by name."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILDS)}
    # Warnings are no errors here: what is taken away may leave something unused.
    environment.pop("RUSTFLAGS", None)
    arguments = ["cargo", *words, "--locked", "--message-format", "json-render-diagnostics"]
    code, said = within(BUILD_PATIENCE, arguments, cwd=TREE, env=environment)
    if code != 0:
        raise DoesNotCompile(said)
    executables = {}
    for line in said.splitlines():
        if line.startswith("{"):
            message = json.loads(line)
            if message.get("executable"):
                kind = message["target"]["kind"][0]
                executables[kind, message["target"]["name"]] = pathlib.Path(message["executable"])
    return executables


# --- Tests.


class Test:
    """A test by its name in a list: `file::test` of the black-box tests, or `path.rs::test`."""

    def __init__(self, name):
        self.name = name
        self.place, _, self.test = name.partition("::")
        if not self.place.endswith(".rs"):
            self.folder, self.target = "tests", ("test", self.place)
            one_file = TREE / "tests" / "tests" / f"{self.place}.rs"
            sources = [one_file] if one_file.exists() else one_file.with_suffix("").glob("*.rs")
            texts = [source.read_text() for source in sources]
            self.holds_code = any(word in text for text in texts for word in HELD_CODE)
            return
        self.holds_code = True
        self.folder, kind, file = self.place.split("/", 2)
        if kind == "tests":
            self.target = ("test", file.split("/")[0].removesuffix(".rs"))
        elif file.startswith("cli/") or file == "main.rs":
            self.target = ("bin", "byokey")
        else:
            self.target = ("lib", "")

    @property
    def package(self):
        return tomllib.loads((TREE / self.folder / "Cargo.toml").read_text())["package"]["name"]

    def build_words(self):
        kind, name = self.target
        return [f"--{kind}", *([name] if name else [])]


class Tests:
    """The executables of tests."""

    def __init__(self):
        made_of = run("git", "ls-tree", "HEAD", *MADE_OF, cwd=TREE)
        self.kept = BUILDS / "tests" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
        self.listed = {}

    def build_once(self, tests):
        """Builds the tests that only spawn the program, unless that was done before."""
        wanted = {test.target[1] for test in tests if not test.holds_code}
        missing = sorted(name for name in wanted if not (self.kept / name).exists())
        if not missing:
            return
        self.kept.mkdir(parents=True, exist_ok=True)
        words = [word for name in missing for word in ("--test", name)]
        built = cargo("test", "--no-run", "--package", "byokey-tests", *words)
        for name in missing:
            shutil.copy2(built["test", name], self.kept / name)

    def build_held(self, tests):
        """Builds the tests that hold code of the program; returns where they are."""
        packages = {}
        for test in tests:
            if test.holds_code:
                packages.setdefault(test.package, {})[test.target] = test
        places = {}
        for package, targets in packages.items():
            words = [word for test in targets.values() for word in test.build_words()]
            built = cargo("test", "--no-run", "--package", package, *words)
            for target, test in targets.items():
                of_kind = [path for (kind, name), path in built.items()
                           if kind == target[0] and target[1] in ("", name)]
                places[test.folder, target] = of_kind[0]
        return places

    def run(self, test, places, program):
        """How the test ends: `caught`, `hung`, `SURVIVED`, `skipped`, or what is wrong with it."""
        executable = places.get((test.folder, test.target), self.kept / test.target[1])
        options = {
            "cwd": TREE / test.folder,
            "env": {
                **os.environ,
                "BYOKEY_BIN": str(program),
                "BYOKEY_RELEASE_BIN": str(program),
                "CARGO_TARGET_DIR": str(BUILDS),
                "RUST_BACKTRACE": "0",
            },
        }
        name = self.full_name(executable, test.test)
        if name is None:
            return "is not there", ""
        words = [executable, name, "--exact", "--nocapture", "--include-ignored"]
        patience = test_patience(test)
        code, said = within(patience, words, **options)
        if code is None:
            return "hung", said
        if code < 0 or "test result: FAILED" in said:
            return "caught", said
        if "1 passed" not in said:
            return "is not there", said
        skipped = any(line.lower().startswith("skipped") for line in said.splitlines())
        return ("skipped" if skipped else "SURVIVED"), said

    def full_name(self, executable, test):
        """The name with its modules, as the executable has it."""
        key = (executable, executable.stat().st_mtime_ns)
        if key not in self.listed:
            _, said = within(60, [executable, "--list", "--format", "terse"])
            lines = (line.removesuffix(": test") for line in said.splitlines())
            self.listed[key] = list(lines)
        names = [name for name in self.listed[key] if name.split("::")[-1] == test]
        return names[0] if len(names) == 1 else None


def test_patience(test):
    # This suite of others has a limit of its own.
    return 600 if test.place == "autobahn" else PATIENCE


def build(tests, named, profile):
    """Builds the program and the tests that hold code of it; returns where these are."""
    if any(not test.holds_code or test.folder == "tests" for test in named):
        cargo("build", "--profile", profile, "--package", "byokey-app-server", "--bin", "byokey")
    return tests.build_held(named)


def check_whole(tests, mutants, names):
    """Runs every test on the program as it is; returns those that do not pass."""
    bad = {}
    for kind in PROGRAMS:
        of_kind = [mutant for mutant in mutants if profile(mutant) == kind]
        failing = {name for mutant in of_kind for name in mutant["fails"]}
        named = [names[name] for name in sorted(failing)]
        places = build(tests, named, kind)
        for test in named:
            result, said = tests.run(test, places, PROGRAMS[kind])
            if result != "SURVIVED":
                is_failure = result in ("caught", "hung")
                bad[test.name] = "fails without any mutant" if is_failure else result
                print(f"  {bad[test.name]}: {test.name}\n{tail(said)}", flush=True)
    return bad


def tail(text):
    return "\n".join(f"    | {line}" for line in text.splitlines()[-15:])


def try_mutant(tests, mutant, named, bad, verbose):
    """Runs the tests that must fail with a mutant; returns how each ends."""
    held = apply(mutant)
    try:
        places = build(tests, named, profile(mutant))
        results = []
        for test in named:
            since = time.monotonic()
            if test.name in bad:
                # What fails anyhow says nothing.
                result, said = bad[test.name], ""
            else:
                result, said = tests.run(test, places, PROGRAMS[profile(mutant)])
            took = time.monotonic() - since
            print(f"  {result}: {test.name} ({took:.1f} s)", flush=True)
            if verbose and said:
                print(tail(said), flush=True)
            results.append(result)
        return results
    except DoesNotCompile as error:
        print(f"  does not compile\n{tail(str(error))}", flush=True)
        return ["does not compile"]
    finally:
        restore(held)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="lists of mutants; all of them")
    parser.add_argument("--row", action="append", help="only the mutants of this row")
    parser.add_argument("--list", action="store_true", help="show the mutants and end")
    parser.add_argument("--unchecked", action="store_true",
                        help="do not first run the tests on the program as it is")
    parser.add_argument("--verbose", action="store_true", help="show what the tests say")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    mutants = lists(arguments.files)
    if arguments.row:
        mutants = [mutant for mutant in mutants if mutant["row"] in arguments.row]
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant['row']}: {mutant['breaks']} ({mutant['file']})")
        return 0
    BUILDS.mkdir(parents=True, exist_ok=True)
    # One at a time: they share the copy.
    lock = (BUILDS / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    adopt_orphans()
    make_tree()
    begun = time.monotonic()
    names = {name: Test(name) for mutant in mutants for name in mutant["fails"]}
    tests = Tests()
    print("building", flush=True)
    tests.build_once(names.values())
    bad = {}
    if not arguments.unchecked:
        print(f"{len(names)} tests on the program as it is", flush=True)
        bad = check_whole(tests, mutants, names)
    counts, caught = collections.Counter(), 0
    for number, mutant in enumerate(mutants, 1):
        print(f"[{number}/{len(mutants)}] {mutant['row']}: {mutant['breaks']}", flush=True)
        named = [names[name] for name in mutant["fails"]]
        results = try_mutant(tests, mutant, named, bad, arguments.verbose)
        counts.update(results)
        caught += all(result in ("caught", "hung") for result in results)
    minutes = (time.monotonic() - begun) / 60
    shown = ", ".join(f"{count} {result}" for result, count in counts.items())
    print(f"{len(mutants)} mutants, {caught} caught by every test that they name ({shown}), "
          f"in {minutes:.0f} minutes")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
