"""The server as a child process: discovery, start, input and output, and exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import ServerNotFoundError

GRACE = 0.5
"""How long the server may take to exit by itself, in seconds."""


def find_server(command: str | None) -> tuple[str, list[str]]:
    """Returns the program, and the searched places."""
    if command is not None:
        return command, [command]
    if given := os.environ.get("BYOKEY_BIN"):
        return given, [f"BYOKEY_BIN ({given})"]
    bundled = Path(__file__).parent / "_bin" / ("byokey.exe" if os.name == "nt" else "byokey")
    if bundled.exists():
        return str(bundled), [str(bundled)]
    searched = ["BYOKEY_BIN (not set)", f"{bundled} (not there)", "PATH"]
    if found := shutil.which("byokey"):
        return found, searched
    raise ServerNotFoundError(searched)


class Server:
    """A running server: lines in, lines out, and its exit."""

    def __init__(self, process: Process, on_log: Callable[[str], None] | None) -> None:
        assert process.stdin and process.stdout
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
                stderr=DEVNULL if on_log is None else PIPE,
                cwd=working_directory,
                env=None if environment is None else dict(environment),
            )
        except OSError as error:
            raise ServerNotFoundError(searched) from error
        return cls(process, on_log)

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
        on_log = self._on_log
        if on_log is not None and self._process.stderr is not None:
            await self._read(
                self._process.stderr, lambda line: on_log(line.decode("utf-8", "replace").rstrip())
            )

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
