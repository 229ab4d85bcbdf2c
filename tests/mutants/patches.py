"""The patches beside this file: their headers, and their application to a work tree.

A patch survives changes of the code around it: git merges it with the changes of the file since the
commit in its header, and follows renames. One that cannot be merged is stale.
"""

import collections
import functools
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Stale(Exception):
    """The code has changed so much that the patch does not apply."""


def git(tree, *words, check=True, **options):
    return subprocess.run(
        ["git", *words], cwd=tree, check=check, text=True, stdout=subprocess.PIPE, **options
    ).stdout


class Patch:
    """One mutant: a header of `Name: value` lines, an empty line, and a diff."""

    def __init__(self, path):
        self.path = path
        head, self.diff = path.read_text().split("\n\n", 1)
        fields = collections.defaultdict(list)
        for line in head.splitlines():
            name, value = line.split(": ", 1)
            fields[name].append(value)
        (self.breaks,), (self.row,), (self.base,) = fields["Breaks"], fields["Row"], fields["Base"]
        self.fails = fields["Fails"]
        # Optimised only for figures that are promised of the shipped program.
        self.profile = fields.get("Profile", ["dev"])[0]

    def files(self):
        return re.findall(r"^\+\+\+ b/(.*)$", self.diff, re.MULTILINE)

    def apply(self, tree):
        """Applies it to a clean tree; raises `Stale` if it does not apply any more."""
        diff = self.diff
        for file in self.files():
            found = place_of(tree, self.base, file)
            if found is None:
                raise Stale(f"{file} is gone")
            diff = re.sub(rf"([ab]/){re.escape(file)}\b", rf"\g<1>{found}", diff)
        done = subprocess.run(
            ["git", "apply", "--3way", "--recount", "-"],
            cwd=tree,
            input=diff,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != 0:
            restore(tree)
            raise Stale(done.stdout.strip().splitlines()[0])

    def refreshed(self, tree):
        """Returns the text of the patch as applied in the tree, if it differs from its own."""
        diff = git(tree, "diff", "HEAD", "--abbrev=12", "-U3")
        if diff == self.diff:
            return None
        base = git(tree, "rev-parse", "--short=12", "HEAD").strip()
        lines = [f"Breaks: {self.breaks}", f"Row: {self.row}"]
        lines += [f"Fails: {test}" for test in self.fails]
        lines += [f"Profile: {self.profile}"] if self.profile != "dev" else []
        return "\n".join([*lines, f"Base: {base}", "", diff])


def restore(tree):
    # Only changed files are written, with a new time, so that cargo rebuilds them.
    git(tree, "reset", "--quiet", "--hard")


def read(names):
    """Returns the patches of these files and folders; by default all."""
    places = [pathlib.Path(name) for name in names] or [HERE]
    paths = [path for place in places
             for path in (sorted(place.rglob("*.patch")) if place.is_dir() else [place])]
    return [Patch(path) for path in paths]


def place_of(tree, base, file):
    """Returns the present path of a file of that commit."""
    if (tree / file).exists():
        return file
    if file in renames(tree, base):
        return renames(tree, base)[file]
    # History may be truncated. A file of the same name in a folder of the same name suffices.
    tail = file.split("/")[-2:]
    alike = [path for path in tracked(tree) if path.split("/")[-2:] == tail]
    return alike[0] if len(alike) == 1 else None


@functools.cache
def renames(tree, base):
    lines = git(
        tree, "diff", "--find-renames=40%", "-l0", "--diff-filter=R", "--name-status", base, "HEAD",
        check=False, stderr=subprocess.DEVNULL,
    ).splitlines()
    return dict(line.split("\t")[1:] for line in lines)


@functools.cache
def tracked(tree):
    return git(tree, "ls-files", "*.rs").splitlines()
