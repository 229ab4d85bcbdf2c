"""One conversation: numbers requests, finds who waits for an answer, and gives the rest away.

It knows nothing of processes. Whoever reads the lines calls `receive`, and `end` when there will
be no more of them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ._secret import Secret
from .errors import ConnectionClosedError, request_error

REQUEST_CANCELLED = -32800
METHOD_NOT_FOUND = -32601


class Line(Protocol):
    """Where messages are written."""

    def write(self, line: bytes) -> None:
        """Queues a line, at once."""

    async def drain(self) -> None:
        """Waits until there is room for more."""


class Refusal(Exception):
    """A request of the server is answered with an error of this code and text."""

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

    async def request(self, method: str, params: object) -> Any:
        """Asks, and waits for the answer. Cancelling it tells the server."""
        if self._end is not None:
            raise ConnectionClosedError(self._end.exit_status)
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
            raise request_error(method, value)
        return value

    def notify(self, method: str, params: object) -> None:
        """Tells the server something. Nothing happens if it is gone."""
        if self._end is None:
            self._send(method=method, params=params)

    def receive(self, line: bytes) -> None:
        """Takes a line of the server. What is no message is skipped."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
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

    def end(self, exit_status: int | None) -> None:
        """Fails whoever waits: nothing more will come."""
        if self._end is not None:
            return
        self._end = ConnectionClosedError(exit_status)
        for pending in self._pending.values():
            if not pending.done():
                pending.set_exception(ConnectionClosedError(exit_status))
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
