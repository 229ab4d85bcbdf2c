"""Compression of packages: by libdeflate, or by zlib, whose results are three percent longer."""

from __future__ import annotations

import gzip
import sys
import zipfile
from typing import Any, Callable

from .project import ROOT

# Installed by release/setup.sh.
INSTALLED = ROOT / ".cache/release/deflate"
# The highest levels of libdeflate and of zlib.
LEVEL, ZLIB_LEVEL = 12, 9


def libdeflate() -> Any | None:
    """The module, or nothing if release/setup.sh has not installed it."""
    if str(INSTALLED) not in sys.path:
        sys.path.append(str(INSTALLED))
    try:
        import deflate
    except ImportError:
        return None
    return deflate


def gzipped(data: bytes) -> bytes:
    """A gzip file without a name or time."""
    module = libdeflate()
    if module is None:
        return gzip.compress(data, compresslevel=ZLIB_LEVEL, mtime=0)
    return bytes(module.gzip_compress(data, LEVEL))


class Deflater:
    """Compresses what it was given at its end, as `zipfile` asks for it piece by piece."""

    def __init__(self, compress: Callable[[bytes, int], bytearray]) -> None:
        self._compress = compress
        self._pieces: list[bytes] = []

    def compress(self, piece: bytes) -> bytes:
        """Keeps a piece."""
        self._pieces.append(bytes(piece))
        return b""

    def flush(self) -> bytes:
        """Compresses all pieces."""
        return bytes(self._compress(b"".join(self._pieces), LEVEL))


def write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
    """Writes a file into a zip archive."""
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w") as file:
        if module := libdeflate():
            # There is no public way to give zipfile a compressor; this name is that of every
            # version so far, and a check compares the size.
            file._compressor = Deflater(module.deflate_compress)  # type: ignore[attr-defined]
        file.write(data)
