"""The list of crates inside a program, as cargo-auditable embeds it: `cargo audit bin` reads it.

It is added to the finished program, from the same list as the bill of materials. So a build needs no
further tool, and the code that runs is the one that was tested, byte for byte."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from .project import ROOT, Target
from .sbom import Crates, crates

SECTION = ".dep-v0"


def add_list(target: Target, program: Path, out: Path) -> bool:
    """Writes the program with its list of crates to `out`, or returns False where that cannot be done."""
    if target.node[0] == "darwin":
        # A changed program has no valid signature there, and the system ends it.
        return False
    data = out.with_name("crates")
    data.write_bytes(zlib.compress(json.dumps(listed(crates(target.triple)), separators=(",", ":")).encode(), 9))
    objcopy(f"--add-section={SECTION}={data}", program, out)
    data.unlink()
    return True


def listed(found: Crates) -> dict[str, Any]:
    """The crates in the format of cargo-auditable."""
    order = sorted(found.reached, key=lambda id: (found.packages[id]["name"], found.packages[id]["version"], id))
    index = {id: at for at, id in enumerate(order)}
    entries = []
    for id in order:
        package = found.packages[id]
        entry = {
            "name": package["name"],
            "version": package["version"],
            "source": "crates.io" if package["source"] else "local",
        }
        if needed := sorted({index[each] for each in found.reached[id]}):
            entry["dependencies"] = needed
        if id == found.root:
            entry["root"] = True
        entries.append(entry)
    return {"packages": entries}


def read_list(program: Path, scratch: Path) -> list[dict[str, Any]]:
    """The crates that a program lists; `scratch` is a file that may be written."""
    data = scratch.with_suffix(".crates")
    objcopy(f"--dump-section={SECTION}={data}", program, scratch)
    return json.loads(zlib.decompress(data.read_bytes()))["packages"]


def objcopy(*arguments: str | Path) -> None:
    """Runs the tool of the Rust tool chain that changes programs of any system."""
    toolchain = Path(rustc("--print", "sysroot").strip())
    host = re.search("^host: (.*)$", rustc("--version", "--verbose"), re.MULTILINE)
    assert host, "rustc names its host"
    libraries = {"LD_LIBRARY_PATH": str(toolchain / "lib"), "DYLD_FALLBACK_LIBRARY_PATH": str(toolchain / "lib")}
    tool = toolchain / "lib/rustlib" / host[1] / "bin/rust-objcopy"
    if not tool.exists():
        sys.exit(f"release: the list of crates cannot be added, there is no {tool}; a tool chain of rustup has it")
    subprocess.run([tool, *arguments], check=True, env={**os.environ, **libraries})


def rustc(*arguments: str) -> str:
    """What rustc prints."""
    return subprocess.run(["rustc", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout
