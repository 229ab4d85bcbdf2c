"""The software bill of materials: the crates in a program, as CycloneDX 1.6."""

from __future__ import annotations

import functools
import json
import subprocess
import time
import tomllib
import uuid
from dataclasses import dataclass
from typing import Any

from .project import ROOT, Project, Target

PACKAGE = "byokey-app-server"


@dataclass(frozen=True)
class Crates:
    """The crates in a program, and which of them each one needs, by the ids of cargo's metadata."""

    packages: dict[str, dict[str, Any]]
    reached: dict[str, list[str]]
    root: str


def bill(project: Project, target: Target, digest: str) -> tuple[str, bytes]:
    """The bill of a target's program, whose SHA-256 is `digest`: its file name and its bytes."""
    found = crates(target.triple)
    packages, reached, root = found.packages, found.reached, found.root
    checksums = registry_checksums()

    reference = {id: purl(packages[id]) for id in reached}
    components = [component(packages[id], checksums) for id in sorted(reached, key=reference.get) if id != root]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}").urn,
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(project.epoch)),
            "component": {
                "type": "application",
                "bom-ref": reference[root],
                "name": "byokey",
                "version": project.version,
                "licenses": [{"expression": project["license"]}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": reference[id], "dependsOn": sorted(reference[each] for each in reached[id])}
            for id in sorted(reached, key=reference.get)
        ],
    }
    name = f"byokey-{project.version}-{target.triple}.cdx.json"
    return name, (json.dumps(document, indent=1) + "\n").encode()


@functools.cache
def crates(triple: str) -> Crates:
    """The crates in the program for the target of that name."""
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", triple))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(id for id, package in packages.items() if package["name"] == PACKAGE)
    shipped = names_in_program(triple)

    reached: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        id = waiting.pop()
        if id in reached:
            continue
        reached[id] = [
            dependency["pkg"]
            for dependency in nodes[id]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            and key(packages[dependency["pkg"]]) in shipped
        ]
        waiting += reached[id]
    return Crates(packages, reached, root)


def component(package: dict[str, Any], checksums: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A crate as a component."""
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        # Old crates write `/` for `OR`.
        expression = package["license"].replace("/", " OR ").replace("  ", " ")
        described["licenses"] = [{"expression": expression}]
    if digest := checksums.get(key(package)):
        described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def names_in_program(triple: str) -> set[tuple[str, str]]:
    """Names and versions of the crates in the program: cargo resolves features for one package
    only here, while its metadata has those of the whole workspace."""
    lines = cargo("tree", "--package", PACKAGE, "--target", triple, "--edges", "normal", "--prefix", "none")
    words = (line.split() for line in lines.splitlines() if line)
    return {(each[0], each[1].removeprefix("v")) for each in words}


def registry_checksums() -> dict[tuple[str, str], str]:
    """The digests that Cargo.lock has of packages from the registry."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {key(package): package["checksum"] for package in locked if "checksum" in package}


def key(package: dict[str, Any]) -> tuple[str, str]:
    """Name and version."""
    return package["name"], package["version"]


def purl(package: dict[str, Any]) -> str:
    """The package URL."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def cargo(*arguments: str) -> str:
    """What cargo prints."""
    command = ["cargo", arguments[0], "--locked", *arguments[1:]]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
