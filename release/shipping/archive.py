"""Archives whose bytes depend on their contents only, and their checksums."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from . import compression
from .project import ROOT, Project, Target


@dataclass(frozen=True)
class Entry:
    """A file in an archive."""

    name: str
    data: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        """The permissions of the file."""
        return 0o755 if self.executable else 0o644


def tar_gz(entries: list[Entry], epoch: int) -> bytes:
    """A compressed tar archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry in sorted(entries, key=lambda entry: entry.name):
            info = tarfile.TarInfo(entry.name)
            info.size, info.mode, info.mtime = len(entry.data), entry.mode, epoch
            archive.addfile(info, io.BytesIO(entry.data))
    return compression.gzipped(plain.getvalue())


def zipped(entries: list[Entry], epoch: int) -> bytes:
    """A zip archive, in the order given: a wheel's list of files comes last."""
    archive_bytes = io.BytesIO()
    with zipfile.ZipFile(archive_bytes, "w", zipfile.ZIP_DEFLATED, compresslevel=compression.ZLIB_LEVEL) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, time.gmtime(epoch)[:6])
            info.create_system = 3  # Unix: only then do the permissions count.
            # Installers set the executable bit only for what is marked as a regular file.
            info.external_attr = (0o100000 | entry.mode) << 16
            compression.write(archive, info, entry.data)
    return archive_bytes.getvalue()


def repacked(data: bytes, epoch: int) -> bytes:
    """A zip archive that another tool made, as `zipped` makes one of the same files."""
    entries = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            executable = bool(info.external_attr >> 16 & 0o111)
            entries.append(Entry(info.filename, archive.read(info), executable))
    return zipped(entries, epoch)


def licenses(prefix: str = "") -> list[Entry]:
    """The texts of both licenses."""
    names = ["LICENSE-APACHE", "LICENSE-MIT"]
    return [Entry(prefix + name, (ROOT / name).read_bytes()) for name in names]


def name_of(project: Project, target: Target) -> str:
    """The name of a target's archive, without its suffix."""
    return f"byokey-{project.version}-{target.triple}"


def program_archive(project: Project, target: Target, program: bytes, extra: list[Entry]) -> tuple[str, bytes]:
    """The archive with the program and what belongs to it: its file name and its bytes.

    `extra` are manual pages and completions."""
    folder = name_of(project, target) + "/"
    readme = project.readme(ROOT / "README.md")
    entries = [
        Entry(folder + target.program, program, executable=True),
        Entry(folder + "README.md", readme.encode()),
        Entry(folder + "CHANGELOG.md", (ROOT / "CHANGELOG.md").read_bytes()),
        *licenses(folder),
        *(Entry(folder + entry.name, entry.data) for entry in extra),
    ]
    if target.node[0] == "win32":
        return folder[:-1] + ".zip", zipped(entries, project.epoch)
    return folder[:-1] + ".tar.gz", tar_gz(entries, project.epoch)


def sha256(data: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sums(folder: Path) -> str:
    """The digests of all files of a folder, as sha256sum writes them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    return "".join(f"{sha256(path.read_bytes())}  {path.relative_to(folder).as_posix()}\n" for path in files)
