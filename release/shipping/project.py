"""The project's addresses and names, the version, and the targets."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "release"
PLACEHOLDER = "byokey.invalid"

# 1 January 1980: zip has no earlier date.
EARLIEST = 315_532_800


@dataclass(frozen=True)
class Target:
    """A kind of machine that a program is built for."""

    triple: str
    node: tuple[str, str]
    vscode: list[str]
    wheel: str
    marker: str
    uname: str | None = None

    @property
    def platform(self) -> str:
        """The platform in the words of node, for example `linux-x64`."""
        return "-".join(self.node)

    @property
    def program(self) -> str:
        """The file name of the program."""
        return "byokey.exe" if self.node[0] == "win32" else "byokey"


@dataclass(frozen=True)
class Project:
    """What every package says of the project."""

    values: dict[str, Any]
    version: str
    epoch: int
    published: bool = False
    documents: dict[str, Path] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def notice(self) -> str:
        """What a package says first as long as it is not published, or nothing."""
        if self.published:
            return ""
        return "This is an unpublished build: no registry has it, and its addresses are placeholders."

    @property
    def summary(self) -> str:
        """The description, marked while unpublished."""
        return self["summary"] if self.published else f"{self['summary']} (unpublished build)"

    def download(self, file: str, version: str | None = None) -> str:
        """The address of a file of the release."""
        return f"{self['downloads']}/v{version or self.version}/{file}"

    def readme(self, path: Path) -> str:
        """A README for a package: with the notice in front, and with links that lead there from a registry."""
        folder = path.parent.relative_to(ROOT).as_posix()

        def absolute(link: re.Match[str]) -> str:
            file, mark, heading = link[1].partition("#")
            return f"]({self['homepage']}{posixpath.normpath(posixpath.join(folder, file))}{mark}{heading})"

        text = re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", absolute, path.read_text())
        return f"> {self.notice}\n\n{text}" if self.notice else text

    def placeholders(self) -> list[str]:
        """The keys in project.toml that still hold a placeholder."""
        return [key for key, value in self.values.items() if PLACEHOLDER in str(value)]


def load(published: bool = False, **changes: Any) -> Project:
    """Reads project.toml; `changes` replace values, for tests."""
    values = tomllib.loads((RELEASE / "project.toml").read_text())
    values.update(changes)
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    return Project(values, manifest["workspace"]["package"]["version"], epoch(), published)


def targets() -> list[Target]:
    """All targets that are known."""
    table = tomllib.loads((RELEASE / "targets.toml").read_text())["target"]
    return [Target(**{**row, "node": tuple(row["node"])}) for row in table]


def epoch() -> int:
    """The time that everything in a package carries: SOURCE_DATE_EPOCH, or that of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    return max(EARLIEST, int(given or EARLIEST))


def git(*arguments: str) -> str:
    """What git prints, or nothing where there is no repository."""
    try:
        run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run.stdout.strip()
