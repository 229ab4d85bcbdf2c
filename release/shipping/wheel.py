"""Wheels: `byokey-bin` with the program for one platform, and the client that depends on it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .archive import Entry, licenses, zipped
from .project import RELEASE, ROOT, Project, Target

# The registry refuses what carries it.
UNPUBLISHED = "Private :: Do Not Upload"


def program_wheel(project: Project, target: Target, program: bytes) -> tuple[str, bytes]:
    """The wheel that puts the program among the scripts of an environment."""
    name = project["pypi"]["program"].replace("-", "_")
    stem = f"{name}-{project.version}"
    sources = RELEASE / "pypi/byokey_bin"
    info = f"{stem}.dist-info"
    tags = [f"py3-none-{platform}" for platform in target.wheel.split(".")]
    wheel = ["Wheel-Version: 1.0", "Generator: byokey", "Root-Is-Purelib: false"]
    wheel += [f"Tag: {tag}" for tag in tags]
    entries = [
        *(Entry(f"byokey_bin/{path.name}", path.read_bytes()) for path in sorted(sources.glob("*.py"))),
        Entry("byokey_bin/py.typed", b""),
        Entry(f"{stem}.data/scripts/{target.program}", program, executable=True),
        *licenses(f"{info}/licenses/"),
        Entry(f"{info}/METADATA", metadata(project).encode()),
        Entry(f"{info}/WHEEL", ("\n".join(wheel) + "\n").encode()),
        Entry(f"{info}/entry_points.txt", b"[console_scripts]\nbyokey-bin = byokey_bin:main\n"),
    ]
    entries.append(record(f"{info}/RECORD", entries))
    return f"{stem}-py3-none-{target.wheel}.whl", zipped(entries, project.epoch)


def metadata(project: Project) -> str:
    """The core metadata of the package with the program."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['pypi']['program']}",
        f"Version: {project.version}",
        f"Summary: {project.summary}",
        f"Author: {project['author']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE-APACHE",
        "License-File: LICENSE-MIT",
        f"Keywords: {','.join(project['keywords'])}",
        f"Project-URL: Homepage, {project['homepage']}",
        f"Project-URL: Repository, {project['repository']}",
        f"Project-URL: Issues, {project['issues']}",
        "Requires-Python: >=3.9",
        "Description-Content-Type: text/markdown",
    ]
    if not project.published:
        lines.append(f"Classifier: {UNPUBLISHED}")
    return "\n".join(lines) + "\n\n" + project.readme(RELEASE / "pypi/README.md")


def record(name: str, entries: list[Entry]) -> Entry:
    """The list of a wheel's files with their digests."""
    lines = []
    for entry in entries:
        digest = base64.urlsafe_b64encode(hashlib.sha256(entry.data).digest()).decode().rstrip("=")
        lines.append(f"{entry.name},sha256={digest},{len(entry.data)}\n")
    return Entry(name, ("".join(lines) + f"{name},,\n").encode())


def client_wheel(project: Project, packed: list[Target], folder: Path) -> Path | None:
    """Builds the client with its own build system, if clients/python/setup.sh has installed that.

    In the repository the client depends on nothing, so that it can be installed from there. The
    packed one depends on the program, on the platforms that have a wheel with it."""
    python = ROOT / ".cache/python-client/venv/bin/python"
    if not python.exists():
        return None
    program = f"{project['pypi']['program']}=={project.version}"
    needs = ", ".join(f'"{program} ; {target.marker}"' for target in packed)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "client"
        shutil.copytree(ROOT / "clients/python", source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        for license in licenses():
            (source / license.name).write_bytes(license.data)
        manifest = source / "pyproject.toml"
        text, found = re.subn(r"(?m)^dependencies = \[\]$", f"dependencies = [{needs}]", manifest.read_text())
        if found != 1:
            raise SystemExit("release: clients/python/pyproject.toml has no line `dependencies = []`")
        if not project.published:
            text = text.replace("classifiers = [", f'classifiers = [\n  "{UNPUBLISHED}",', 1)
        manifest.write_text(text)
        (source / "README.md").write_text(project.readme(ROOT / "clients/python/README.md"))
        before = set(folder.glob("*.whl"))
        command = [python, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder.resolve()]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(project.epoch)}
        subprocess.run(command, cwd=source, env=environment, check=True, stdout=subprocess.DEVNULL)
    (built,) = set(folder.glob("*.whl")) - before
    return built
