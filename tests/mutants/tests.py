"""Finds, builds and runs the tests that the patches name."""

import collections
import ctypes
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

# Timeout of a test, in seconds. A longer one counts as hung, and so as failed.
PATIENCE = 240
# This external suite has its own timeout.
PATIENCE_OF = {"autobahn": 600}
# Timeout of a build.
BUILD_PATIENCE = 1800
# Crates that a test may import without being rebuilt for each mutant: such tests spawn the program.
OUTSIDE = {"byokey_tests", "byokey_dev_backend"}
# The sources of such tests.
MADE_OF = ("tests/src", "tests/tests", "tests/Cargo.toml", "dev-backend", "Cargo.lock")


class DoesNotCompile(Exception):
    pass


# --- Processes.


def adopt_orphans():
    """Makes leftover processes of a test children of this process, so that they can be ended."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def end_children():
    """Ends leftover processes of a test."""
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
    """Runs a command; returns its exit code, none if it was ended, and its output."""
    # To a file: a leftover process would hold a pipe open.
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


# --- Where tests are.

Place = collections.namedtuple("Place", "package folder target")


class Workspace:
    """The packages and tests of a tree, from cargo's metadata and the sources."""

    def __init__(self, tree):
        self.tree = tree
        words = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
        said = subprocess.run(words, cwd=tree, check=True, text=True, stdout=subprocess.PIPE)
        self.packages = json.loads(said.stdout)["packages"]

    @functools.cached_property
    def functions(self):
        """The files of a test, by its name."""
        found = collections.defaultdict(list)
        is_test = re.compile(r"test[\])].*?\bfn (\w+)", re.DOTALL)
        for package in self.packages:
            for path in pathlib.Path(package["manifest_path"]).parent.rglob("*.rs"):
                for name in is_test.findall(path.read_text()):
                    found[name].append(path)
        return found

    def find(self, name):
        """The file of a test: `file::test` of the black-box tests, or `path.rs::test`. A moved one
        is found by its name alone."""
        place, _, test = name.partition("::")
        paths = self.functions.get(test, [])
        near = [path for path in paths if f"/{place}" in path.as_posix()]
        chosen = near or paths
        return chosen[0] if len(set(chosen)) == 1 or near else None

    def place(self, path):
        package = max(
            (it for it in self.packages if path.is_relative_to(folder_of(it))),
            key=lambda it: len(it["manifest_path"]),
        )
        folder = folder_of(package)
        parts = path.relative_to(folder).parts
        target = parts[1].removesuffix(".rs") if parts[0] == "tests" else None
        return Place(package["name"], folder, target)


def folder_of(package):
    return pathlib.Path(package["manifest_path"]).parent


class Test:
    def __init__(self, workspace, name):
        self.name, self.test = name, name.rpartition("::")[2]
        path = workspace.find(name)
        self.place = path and workspace.place(path)
        if path is None:
            return
        sources = path.parent.glob("*.rs") if path.stem == "main" else [path]
        crates = {crate for it in sources for crate in re.findall(r"\bbyokey_\w+", it.read_text())}
        # A test that contains code of the program is rebuilt for each mutant.
        self.holds_code = self.place.target is None or bool(crates - OUTSIDE)

    @property
    def patience(self):
        return PATIENCE_OF.get(self.place.target, PATIENCE)


# --- Builds.


class Builder:
    """Builds in a copy of the sources, and runs the executables."""

    def __init__(self, tree, builds):
        self.tree, self.builds, self.listed = tree, builds, {}
        said = subprocess.run(
            ["git", "ls-tree", "HEAD", *MADE_OF],
            cwd=tree, check=True, text=True, stdout=subprocess.PIPE,
        )
        self.kept = builds / "tests" / hashlib.sha256(said.stdout.encode()).hexdigest()[:16]

    def program(self, profile):
        return self.builds / ("debug" if profile == "dev" else profile) / "byokey"

    def cargo(self, *words):
        """Runs cargo in the copy; returns the executables that it made: (package, kind, name, path)."""
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.builds)}
        # Warnings are not errors here: a removal may leave something unused.
        environment.pop("RUSTFLAGS", None)
        arguments = ["cargo", *words, "--locked", "--message-format", "json-render-diagnostics"]
        code, said = within(BUILD_PATIENCE, arguments, cwd=self.tree, env=environment)
        if code != 0:
            raise DoesNotCompile(said)
        messages = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [
            (message["target"]["kind"][0], message["target"]["name"],
             pathlib.Path(message["executable"]))
            for message in messages if message.get("executable")
        ]

    def build_once(self, tests):
        """Builds the tests that only spawn the program, unless they are built."""
        wanted = {test.place.target for test in tests if test.place and not test.holds_code}
        missing = sorted(name for name in wanted if not (self.kept / name).exists())
        if not missing:
            return
        self.kept.mkdir(parents=True, exist_ok=True)
        words = [word for name in missing for word in ("--test", name)]
        for kind, name, path in self.cargo("test", "--no-run", "--package", "byokey-tests", *words):
            if kind == "test":
                shutil.copy2(path, self.kept / name)

    def build(self, tests, profile):
        """Builds the program and the tests that contain code of it; returns their executables by
        place."""
        if any(test.place.target for test in tests):
            self.cargo("build", "--profile", profile, "--package", "byokey-app-server",
                       "--bin", "byokey")
        executables = {}
        for place in {test.place for test in tests if test.holds_code}:
            words = ["--test", place.target] if place.target else ["--lib", "--bins"]
            built = self.cargo("test", "--no-run", "--package", place.package, *words)
            kinds = ("test",) if place.target else ("lib", "bin")
            executables[place] = [path for kind, _, path in built if kind in kinds]
        return executables

    def run(self, test, executables, profile):
        """How the test ends: `caught`, `hung`, `SURVIVED`, `skipped`, or its problem."""
        places = executables.get(test.place) or [self.kept / str(test.place.target)]
        found = [(path, name) for path in places for name in self.names(path, test.test)]
        if len(found) != 1:
            return "is not there", ""
        (executable, name), = found
        options = {
            "cwd": test.place.folder,
            "env": {
                **os.environ,
                "BYOKEY_BIN": str(self.program(profile)),
                "BYOKEY_RELEASE_BIN": str(self.program(profile)),
                "CARGO_TARGET_DIR": str(self.builds),
                "RUST_BACKTRACE": "0",
            },
        }
        words = [executable, name, "--exact", "--nocapture", "--include-ignored"]
        code, said = within(test.patience, words, **options)
        if code is None:
            return "hung", said
        if code < 0 or "test result: FAILED" in said:
            return "caught", said
        if "1 passed" not in said:
            return "is not there", said
        skipped = any(line.lower().startswith("skipped") for line in said.splitlines())
        return ("skipped" if skipped else "SURVIVED"), said

    def names(self, executable, test):
        """The names with their modules, as in the executable."""
        key = (executable, executable.stat().st_mtime_ns)
        if key not in self.listed:
            _, said = within(60, [executable, "--list", "--format", "terse"])
            self.listed[key] = [line.removesuffix(": test") for line in said.splitlines()]
        return [name for name in self.listed[key] if name.split("::")[-1] == test]
