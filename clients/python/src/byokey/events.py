"""The server's notifications: one stream of events per reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ._generated._wire import WireError
from ._generated.methods import SERVER_NOTIFICATIONS, Notification
from .errors import ByokeyError

P = TypeVar("P")

MOST_WAITING = 100_000
"""Most unread events of a stream."""

_KNOWN = {notification.name: notification for notification in SERVER_NOTIFICATIONS}


@dataclass(frozen=True)
class Event:
    """One notification of the server."""

    method: str
    """The method, such as ``account/updated``."""
    params: Any
    """A type of the protocol, such as `AccountUpdated`, to match on."""
    raw: Any = field(repr=False)
    """The raw JSON."""


class UnknownEvent(Event):
    """An unknown notification, or one with invalid parameters.

    Its ``params`` are raw JSON.
    """


def read_event(method: str, raw: object) -> Event:
    """Returns the event for a notification with any content."""
    known = _KNOWN.get(method)
    if known is None:
        return UnknownEvent(method, raw, raw)
    try:
        return Event(method, known.read_params({} if raw is None else raw, ""), raw)
    except WireError:
        return UnknownEvent(method, raw, raw)


class EventStream:
    """Events in order, until the connection ends."""

    def __init__(self, missed: deque[Event], close: Callable[[EventStream], None]) -> None:
        self._waiting = missed
        self._close = close
        self._more = asyncio.Event()
        self._ended = False
        self._overflowed = False

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._overflowed:
                raise ByokeyError(
                    f"more than {MOST_WAITING} events waited: read the stream all the time, "
                    "and open a new one with `events()`"
                )
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Stops listening; not needed at the end of the connection."""
        self._end()
        self._waiting.clear()
        self._close(self)

    def _put(self, event: Event) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._overflowed = True
        if not self._overflowed:
            self._waiting.append(event)
        self._more.set()

    def _end(self) -> None:
        self._ended = True
        self._more.set()


class Events:
    """Broadcasts events to all streams and listeners."""

    def __init__(self) -> None:
        # Events before the first stream are kept for it.
        self._early: deque[Event] | None = deque(maxlen=MOST_WAITING)
        self._streams: list[EventStream] = []
        self._listeners: list[tuple[str, Callable[[Any], object]]] = []
        self._watchers: list[tuple[str, Callable[[], None]]] = []
        self._others: list[Events] = []
        self._ended = False

    def pass_to(self, other: Events) -> None:
        """Passes each event on to another, those first that came before a stream was opened."""
        for event in self._early or ():
            other.publish(event.method, event.raw)
        self._others.append(other)

    def stream(self) -> EventStream:
        """Returns a new stream, from now on."""
        stream = EventStream(self._early or deque(), self._forget)
        self._early = None
        if self._ended:
            stream._end()
        else:
            self._streams.append(stream)
        return stream

    def on(
        self, event: Notification[P] | str, listener: Callable[[P], object]
    ) -> Callable[[], None]:
        """Calls the listener for each event of one kind, until the returned function is called."""
        entry = (event if isinstance(event, str) else event.name, listener)
        self._listeners.append(entry)

        def off() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)

        return off

    def watch(self, method: str, watcher: Callable[[], None]) -> None:
        """Calls the watcher on every notification of this name, with any content."""
        self._watchers.append((method, watcher))

    def publish(self, method: str, raw: object) -> None:
        """Publishes a notification."""
        event = read_event(method, raw)
        for other in self._others:
            other.publish(method, raw)
        for wanted, watcher in self._watchers:
            if wanted == method:
                watcher()
        if self._early is not None:
            self._early.append(event)
        for stream in self._streams:
            stream._put(event)
        if isinstance(event, UnknownEvent) and method in _KNOWN:
            return  # The listener's signature promises the type.
        for wanted, listener in self._listeners:
            if wanted == method:
                # An exception of a listener is reported to the host, and does not stop the reading.
                asyncio.get_running_loop().call_soon(listener, event.params)

    def end(self) -> None:
        """Ends every stream."""
        self._ended = True
        for stream in self._streams:
            stream._end()

    def _forget(self, stream: EventStream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
