"""The packages for npm: `byokey`, one package with the program for each platform, the client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .archive import Entry, licenses, tar_gz
from .project import RELEASE, ROOT, Project, Target


def platform_package(project: Project, target: Target, program: bytes) -> tuple[str, bytes]:
    """The package with the program of one platform."""
    system, processor = target.node
    manifest = {
        **described(project, f"{project['npm']['scope']}/{target.platform}"),
        "description": f"The program of byokey for {target.platform}. {project.summary}",
        "os": [system],
        "cpu": [processor],
        # No `libc`: the program is static. Yarn must not leave it in an archive.
        "preferUnplugged": True,
    }
    readme = f"The program of [byokey]({project['homepage']}) for {target.platform}. Install `byokey`.\n"
    readme = f"> {project.notice}\n\n{readme}" if project.notice else readme
    return package(project, manifest, readme, [Entry(f"bin/{target.program}", program, executable=True)])


def main_package(project: Project, packed: list[Target]) -> tuple[str, bytes]:
    """The package that users install. npm chooses the platform's among its optional dependencies."""
    sources = RELEASE / "npm"
    manifest = {
        **described(project, project["npm"]["main"]),
        "description": project.summary,
        "keywords": project["keywords"],
        "main": "index.js",
        "types": "index.d.ts",
        "bin": {"byokey": "byokey.js"},
        "engines": {"node": ">=18"},
        "optionalDependencies": {
            f"{project['npm']['scope']}/{target.platform}": project.version for target in packed
        },
    }
    names = ["index.js", "index.d.ts", "byokey.js"]
    files = [Entry(name, (sources / name).read_bytes(), name == "byokey.js") for name in names]
    return package(project, manifest, project.readme(sources / "README.md"), files)


def client_package(project: Project) -> tuple[str, bytes] | None:
    """The TypeScript client, if clients/typescript/setup.sh has installed the compiler."""
    source = ROOT / "clients/typescript"
    compiler = ROOT / ".cache/typescript-client/node_modules/.bin/tsc"
    if not compiler.exists():
        return None
    # Anew: what was built before may be of another commit.
    subprocess.run([source / "build.sh"], check=True)
    manifest = json.loads((source / "package.json").read_text())
    # The lines that build it belong to the repository.
    manifest.pop("scripts", None)
    manifest = {**manifest, **described(project, project["npm"]["client"])}
    built = sorted(path for path in (source / "dist").rglob("*") if path.is_file())
    files = [Entry(path.relative_to(source).as_posix(), path.read_bytes()) for path in built]
    return package(project, manifest, project.readme(source / "README.md"), files)


def described(project: Project, name: str) -> dict[str, Any]:
    """The members of package.json that all packages share."""
    members: dict[str, Any] = {
        "name": name,
        "version": project.version,
        "license": project["license"],
        "author": project["author"],
        "homepage": project["homepage"],
        "repository": {"type": "git", "url": f"git+{project['repository']}"},
        "bugs": {"url": project["issues"]},
        "publishConfig": {"access": "public"},
    }
    # npm refuses to publish what is private.
    return members if project.published else {**members, "private": True}


def package(project: Project, manifest: dict[str, Any], readme: str, files: list[Entry]) -> tuple[str, bytes]:
    """The archive of a package, named as `npm pack` names it."""
    entries = [
        Entry("package.json", (json.dumps(manifest, indent=2) + "\n").encode()),
        Entry("README.md", readme.encode()),
        *licenses(),
        *files,
    ]
    inside = [Entry(f"package/{entry.name}", entry.data, entry.executable) for entry in entries]
    name = manifest["name"].removeprefix("@").replace("/", "-")
    return f"{name}-{project.version}.tgz", tar_gz(inside, project.epoch)


def write(folder: Path, packed: tuple[str, bytes]) -> Path:
    """Writes a package into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / packed[0]
    path.write_bytes(packed[1])
    return path
