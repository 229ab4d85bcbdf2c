"""The server as a child process: discovery, start, input and output, and exit."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ._redact import Launched, Tail, redact, redact_arguments
from .errors import ByokeyError, ConnectionClosedError, ServerNotFoundError

GRACE = 0.5
"""How long the server may take to exit by itself, in seconds."""


def find_server(command: str | None) -> tuple[str, list[str]]:
    """Returns the program, and the searched places."""
    if command is not None:
        searched = [f"the option `command` ({command})"]
        return _resolved(command, searched), searched
    if given := os.environ.get("BYOKEY_BIN"):
        searched = [f"BYOKEY_BIN ({given})"]
        return _resolved(given, searched), searched
    bundled = Path(__file__).parent / "_bin" / _NAME
    if bundled.exists():
        return str(bundled), [str(bundled)]
    if installed := _installed():
        return installed, [installed]
    searched = ["BYOKEY_BIN (not set)", f"{bundled} (not there)", "the package byokey-bin (not installed)", "PATH"]
    if found := search_path([_NAME], os.environ.get("PATH", "")):
        return found, searched
    raise ServerNotFoundError(searched, "was not found")


def _installed() -> str | None:
    """Returns the program of the package `byokey-bin`, if that is installed."""
    try:
        return str(importlib.import_module("byokey_bin").path())
    except (ImportError, FileNotFoundError):
        return None


_NAME = "byokey.exe" if os.name == "nt" else "byokey"


def search_path(names: Sequence[str], path: str) -> str | None:
    """Returns the first of the names on the search path.

    `shutil.which` looks in the working directory first on Windows, where a stranger's program may
    lie in a folder that was merely opened; so do relative entries of the path.
    """
    for folder in filter(os.path.isabs, path.split(os.pathsep)):
        for name in names:
            program = os.path.join(folder, name)
            if os.path.isfile(program) and os.access(program, os.X_OK):
                return program
    return None


def _resolved(command: str, searched: Sequence[str]) -> str:
    """Windows starts a bare name from the working directory first, so it is looked up here."""
    if os.name != "nt" or any(separator in command for separator in "\\/:"):
        return command
    names = [command] if os.path.splitext(command)[1] else [f"{command}.exe", f"{command}.com"]
    if found := search_path(names, os.environ.get("PATH", "")):
        return found
    raise ServerNotFoundError(searched, "was not found on the search path")


_USAGE_STATUSES = (1, 2, 64)
"""What programs end with that do not understand their arguments."""
_NOT_UNDERSTOOD = re.compile("unrecogni[sz]ed|unknown|invalid|unexpected|usage|no such", re.I)
_OURS = re.compile(r"\(byokey [^)]*\)|^codex")


async def explain_end(
    error: ConnectionClosedError, command: str, searched: Sequence[str]
) -> ByokeyError:
    """Returns a better error for a program that ended before it answered, if it is another one."""
    complains = any(map(_NOT_UNDERSTOOD.search, error.last_log))
    if error.exit_status not in _USAGE_STATUSES or not complains:
        return error
    version = await _version_of(command)
    if version is None or _OURS.search(version):
        return error
    name = f', which calls itself "{redact(version)}"' if version else ""
    return ServerNotFoundError(searched, f"is another program{name}", error.launched)


async def _version_of(command: str) -> str | None:
    """Returns the first line that a program prints about itself; none if it takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            command, "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except OSError:
        return None
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 2.0)
        return line.decode("utf-8", "replace").strip()
    except (asyncio.TimeoutError, ValueError):
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # The rest of its pipe is not read, so that the end need not wait for it.
        await process.wait()


class Server:
    """A running server: lines in, lines out, and its exit."""

    def __init__(
        self,
        process: Process,
        found: tuple[str, Sequence[str]],
        args: Sequence[str],
        on_log: Callable[[str], None] | None,
    ) -> None:
        assert process.stdin and process.stdout
        self.command, self.searched = found
        self._args = redact_arguments(args)
        self._tail = Tail()
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._on_log = on_log
        self._draining = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        command: str | None,
        args: Sequence[str],
        environment: Mapping[str, str] | None,
        working_directory: str | os.PathLike[str] | None,
        on_log: Callable[[str], None] | None,
    ) -> Server:
        """Starts the program."""
        program, searched = find_server(command)
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *args,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=working_directory,
                env=None if environment is None else dict(environment),
            )
        except OSError as error:
            launched = Launched(redact(program), redact_arguments(args))
            raise ServerNotFoundError(searched, launched=launched) from error
        return cls(process, (program, searched), args, on_log)

    @property
    def launched(self) -> Launched:
        """What was started, and what it wrote last."""
        return Launched(redact(self.command), self._args, self._tail.lines())

    @property
    def process_id(self) -> int:
        """Id of the process."""
        return self._process.pid

    def write(self, line: bytes) -> None:
        """Queues a line. Does nothing if the server does not read any more."""
        if not self._input.is_closing():
            self._input.write(line)

    async def drain(self) -> None:
        """Waits until the queue has room (back-pressure)."""
        async with self._draining:
            # A server that is gone is detected at the end of its output.
            with contextlib.suppress(ConnectionError):
                await self._input.drain()

    async def run(self, receive: Callable[[bytes], None]) -> int:
        """Passes each line on until the server exits, and returns its exit status."""
        reading = asyncio.ensure_future(self._read(self._output, receive))
        logging = asyncio.ensure_future(self._read_log())
        exiting = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({reading, exiting}, return_when=asyncio.FIRST_COMPLETED)
            # Its last output may still arrive, and its exit may take a moment.
            await asyncio.wait({reading, exiting, logging}, timeout=GRACE)
        finally:
            reading.cancel()
            logging.cancel()
            self._kill()
        status = await exiting
        self._input.close()
        # A failed write at the end is not an error.
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self._input.wait_closed(), GRACE)
        return status

    async def stop(self) -> None:
        """Closes the server's input, which ends it. If it is still busy, it gets SIGTERM."""
        self._input.close()
        for end in (self._process.terminate, self._process.kill):
            try:
                await asyncio.wait_for(self._process.wait(), GRACE)
                return
            except asyncio.TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    end()
        await self._process.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _read_log(self) -> None:
        if self._process.stderr is not None:
            await read_log(self._process.stderr, self._log)

    def _log(self, line: str) -> None:
        self._tail.push(line)
        if self._on_log is not None:
            self._on_log(line)

    @staticmethod
    async def _read(stream: asyncio.StreamReader, receive: Callable[[bytes], None]) -> None:
        rest = bytearray()
        while chunk := await stream.read(1 << 16):
            *lines, last = chunk.split(b"\n")
            for line in lines:
                rest += line
                receive(bytes(rest))
                rest.clear()
            rest += last


_MOST_LOG_LINE = 1 << 20
"""Of a longer line of a log the rest is dropped, in bytes."""


async def read_log(stream: asyncio.StreamReader, take: Callable[[str], None]) -> None:
    """Gives each line of a log away."""
    rest = bytearray()
    while chunk := await stream.read(1 << 16):
        *lines, last = chunk.split(b"\n")
        for line in lines:
            rest += line[: _MOST_LOG_LINE - len(rest)]
            take(rest.decode("utf-8", "replace").rstrip())
            rest.clear()
        rest += last[: _MOST_LOG_LINE - len(rest)]
    if rest:
        take(rest.decode("utf-8", "replace").rstrip())
