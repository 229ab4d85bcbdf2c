"""One connection: numbers requests, matches responses to callers, and dispatches other messages.

It is independent of processes: its owner passes received lines to `receive`, and calls `end` at the
end of input.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from ._redact import Launched
from ._secret import Secret
from .errors import ConnectionClosedError, request_error

REQUEST_CANCELLED = -32800
METHOD_NOT_FOUND = -32601


class Line(Protocol):
    """The output for messages."""

    def write(self, line: bytes) -> None:
        """Queues a line, without blocking."""

    async def drain(self) -> None:
        """Waits until the queue has room (back-pressure)."""


class Refusal(Exception):
    """The error response to a request of the server, with this code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Connection:
    """The requests in flight, in both directions."""

    def __init__(
        self,
        line: Line,
        answer: Callable[[str, Any], Awaitable[Any]],
        notice: Callable[[str, Any], None],
    ) -> None:
        self._line = line
        self._answer = answer
        self._notice = notice
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._end: ConnectionClosedError | None = None
        self.is_trusted = False
        """Whether the server's own texts may be part of errors."""

    async def request(self, method: str, params: object) -> Any:
        """Sends a request and waits for its response. Cancelling it cancels it at the server."""
        if self._end is not None:
            raise ConnectionClosedError(self._end.exit_status, self._end.launched)
        number = next(self._ids)
        pending = asyncio.get_running_loop().create_future()
        self._pending[number] = pending
        try:
            self._send(id=number, method=method, params=params)
            await self._line.drain()
            error, value = await pending
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": number})
            raise
        finally:
            del self._pending[number]
        if error:
            raise request_error(method, value, self.is_trusted)
        return value

    def notify(self, method: str, params: object) -> None:
        """Sends a notification. Does nothing if the server is gone."""
        if self._end is None:
            self._send(method=method, params=params)

    def receive(self, line: bytes) -> None:
        """Handles a line of the server. Invalid messages are skipped."""
        try:
            message: object = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        message = cast("dict[str, Any]", message)
        method, params = message.get("method"), message.get("params")
        if isinstance(method, str):
            if "id" in message:
                self._asked(message["id"], method, params)
            else:
                self._notice(method, params)
            return
        number = message.get("id")
        pending = self._pending.get(number) if type(number) is int else None
        if pending is None or pending.done():
            return
        if "error" in message:
            pending.set_result((True, message["error"]))
        elif "result" in message:
            pending.set_result((False, message["result"]))

    def end(self, exit_status: int | None, launched: Launched | None = None) -> None:
        """Fails the calls that wait: nothing more will come."""
        if self._end is not None:
            return
        self._end = ConnectionClosedError(exit_status, launched)
        for pending in self._pending.values():
            if not pending.done():
                pending.set_exception(ConnectionClosedError(exit_status, launched))
        for task in self._answering:
            task.cancel()

    def _asked(self, number: object, method: str, params: object) -> None:
        task = asyncio.ensure_future(self._answer_one(number, method, params))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_one(self, number: object, method: str, params: object) -> None:
        try:
            self._send(id=number, result=await self._answer(method, params))
        except Refusal as refusal:
            self._send(id=number, error={"code": refusal.code, "message": str(refusal)})

    def _send(self, **message: object) -> None:
        text = json.dumps(message, default=_exposed, separators=(",", ":"))
        self._line.write(text.encode() + b"\n")


def _exposed(value: object) -> str:
    if isinstance(value, Secret):
        return value.expose()
    raise TypeError(f"a {type(value).__name__} cannot be sent")
