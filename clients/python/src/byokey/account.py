"""The current account, read again after each `account/updated`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from ._generated.types import Account, AccountReadResult
from .errors import ByokeyError


class AccountState:
    """The account, kept current.

    ``async for`` yields it as soon as it is known, and then each change. A slow reader skips
    intermediate ones. It ends with the connection.
    """

    def __init__(self, read: Callable[[], Awaitable[AccountReadResult]]) -> None:
        self._read = read
        self._current: Account | None = None
        self._changes = 0
        self._stale = asyncio.Event()
        self._changed = asyncio.Event()
        self._ended = False
        self._stale.set()
        self._keeping = asyncio.ensure_future(self._keep())

    @property
    def current(self) -> Account | None:
        """The account; none without a login, before the first read, and after the end."""
        return self._current

    async def __aiter__(self) -> AsyncIterator[Account | None]:
        seen = 0
        while True:
            changed = self._changed
            if seen < self._changes:
                seen = self._changes
                yield self._current
            elif self._ended:
                return
            else:
                await changed.wait()

    def _update(self) -> None:
        """Handles a change. Changes during a read lead to one more read (single-flight)."""
        self._stale.set()

    def _end(self) -> None:
        """Ends the updates."""
        if self._ended:
            return
        if self._current is not None:
            self._set(None)
        self._ended = True
        self._keeping.cancel()
        self._changed.set()

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                result = await self._read()
            except ByokeyError:
                continue  # The last known account remains.
            # The first read counts as an update, whatever its result.
            if self._changes == 0 or result.account != self._current:
                self._set(result.account)

    def _set(self, account: Account | None) -> None:
        self._current = account
        self._changes += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
