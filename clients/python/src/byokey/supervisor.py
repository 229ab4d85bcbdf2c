"""A server that is started again when it ends.

The pauses between starts grow, so that a program that cannot run is not started for ever at full
speed. Listeners belong to the supervisor and hear every server; after a restart it signs in again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, TypeVar

from ._generated import methods
from ._generated.methods import Notification
from ._generated.types import (
    BearerTokenRefreshParams,
    ExternalTokens,
    LoginStartParamsBearerToken,
    RefreshParams,
)
from .account import AccountState
from .client import ByokeyClient
from .errors import ByokeyError, ConnectionClosedError
from .events import Events, EventStream
from .providers import BearerTokenProvider, TokenProvider, ask, ask_for_bearer

P = TypeVar("P")

CloseAction = Literal["restart", "do_not_restart"]
"""What to do about a server that has ended."""

PAUSES = (0.1, 0.5, 2.0, 10.0, 60.0)
"""Pauses before the first, second, … start in a row, in seconds; the last one is the ceiling."""

HEALTHY_AFTER = 30.0
"""A server that ran for so many seconds had recovered."""


@dataclass(frozen=True)
class BearerLogin:
    """The recipient of the bearer tokens that a supervisor signs in with."""

    origin: str
    """Scheme, host and port of the configured provider, such as ``https://api.openai.com``."""
    label: str | None = None
    """A name of the account for users."""


@dataclass(frozen=True)
class ServerEnd:
    """The end of a server, or a start that failed."""

    exit_status: int | None
    """How the process ended, if it had started and that is known."""
    error: Exception | None
    """Why a restart failed; none where a running server ended."""
    ends_in_a_row: int
    """How many ends there were in a row; a server that ran for 30 seconds begins a new row."""
    pause: float
    """The pause before the next start, in seconds."""


@dataclass(frozen=True)
class Restart:
    """A server that took the place of one that had ended."""

    client: ByokeyClient
    """The new server. Threads of the old one are gone."""
    restarts: int
    """How many restarts there were, this one included."""
    sign_in_error: Exception | None
    """Why signing in again failed; none where it worked or there was nothing to do."""


class Supervisor:
    """A server that is kept running. `start` makes one; it is an async context manager."""

    def __init__(
        self,
        options: dict[str, Any],
        sign_in: bool,
        on_restart: Callable[[Restart], object] | None,
        on_close: Callable[[ServerEnd], CloseAction | None] | None,
        pauses: Sequence[float],
        bearer_login: BearerLogin | None = None,
    ) -> None:
        self._options = options
        self._provider: TokenProvider | None = options.get("refresh_tokens")
        self._bearer_provider: BearerTokenProvider | None = options.get("refresh_bearer_token")
        if bearer_login is not None and self._bearer_provider is None:
            raise TypeError(
                "`bearer_login` needs `refresh_bearer_token`, which supplies its tokens"
            )
        self._bearer_login = bearer_login
        self._signed_in = sign_in
        self._on_restart = on_restart
        self._on_close = on_close
        self._pauses = tuple(pauses)
        self._events = Events()
        self._client: ByokeyClient | None = None
        self._account: AccountState | None = None
        self._account_id: str | None = None
        self._changes = 0
        """Counts what changes the account by hand; tokens that were asked for before are dropped."""
        self._restarts = 0
        self._ends_in_a_row = 0
        self._closed = asyncio.Event()
        self._changed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        *,
        sign_in: bool | None = None,
        on_restart: Callable[[Restart], object] | None = None,
        on_close: Callable[[ServerEnd], CloseAction | None] | None = None,
        pauses: Sequence[float] = PAUSES,
        bearer_login: BearerLogin | None = None,
        **options: Any,
    ) -> Supervisor:
        """Starts a server, signs in, and keeps it running.

        ``options`` are those of `ByokeyClient.spawn`; the first start fails as that does.
        ``sign_in`` says whether the token provider is asked at the start and at each restart; by
        default, if there is one, or a ``bearer_login``. ``on_restart`` is called when a new server runs and is signed in.
        ``on_close`` decides what follows the end of a server; without it, it is always started again.
        With ``bearer_login`` it signs in with a bearer token of ``refresh_bearer_token``, which is
        asked with the reason ``login``, instead of ChatGPT tokens.
        """
        if sign_in is None:
            sign_in = bearer_login is not None or options.get("refresh_tokens") is not None
        supervisor = cls(options, sign_in, on_restart, on_close, pauses, bearer_login)
        try:
            client = await supervisor._spawn()
            if supervisor._signed_in:
                await supervisor._sign_in_to(client)
        except BaseException:
            await supervisor.close()
            raise
        supervisor._keeping = asyncio.ensure_future(supervisor._keep(client))
        return supervisor

    @property
    def client(self) -> ByokeyClient | None:
        """The server that runs; none while there is none."""
        return self._client

    async def ready(self) -> ByokeyClient:
        """Returns the server that runs, now or after the restart."""
        while self._client is None:
            if self._closed.is_set():
                raise ByokeyError(
                    "the supervisor was closed, or `on_close` did not restart the server"
                )
            await self._changed.wait()
        return self._client

    @property
    def account(self) -> AccountState:
        """The account, kept current over restarts from the first use of this on."""
        if self._account is None:

            async def read() -> Any:
                return await (await self.ready()).read_account()

            self._account = AccountState(read)
            self._events.watch(methods.ACCOUNT_UPDATED.name, self._account._update)
            if self._closed.is_set():
                self._account._end()
        return self._account

    async def sign_in(self) -> None:
        """Asks the token provider and signs in, now and after each restart."""
        self._signed_in = True
        self._changes += 1
        await self._sign_in_to(await self.ready())

    async def sign_out(self) -> None:
        """Signs out, also for the servers to come. Tokens that come later are not used."""
        self._signed_in = False
        self._account_id = None
        self._changes += 1
        if self._client is not None:
            # A server that has ended meanwhile has dropped the account, too.
            with contextlib.suppress(ConnectionClosedError):
                await self._client.logout()

    def events(self) -> EventStream:
        """The events from now on, of this server and of those that follow it."""
        return self._events.stream()

    def on(
        self, event: Notification[P] | str, listener: Callable[[P], object]
    ) -> Callable[[], None]:
        """Calls the listener for each event of one kind, over restarts."""
        return self._events.on(event, listener)

    async def closed(self) -> None:
        """Waits until the server has ended and will not be started again."""
        await self._closed.wait()

    async def close(self) -> None:
        """Ends the server, for good."""
        keeping, self._keeping = self._keeping, None
        client, self._client = self._client, None
        self._end()
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait({keeping})
        if client is not None:
            await client.close()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _spawn(self) -> ByokeyClient:
        client: ByokeyClient = await ByokeyClient.spawn(**self._options)
        client._events.pass_to(self._events)
        self._client = client
        self._change()
        if self._account is not None:
            self._account._update()
        return client

    async def _keep(self, client: ByokeyClient) -> None:
        """Waits for the end of a server and starts the next, until `on_close` has enough."""
        while True:
            started = time.monotonic()
            exit_status = await client.closed()
            self._client = None
            self._change()
            if time.monotonic() - started > HEALTHY_AFTER:
                self._ends_in_a_row = 0
            error: Exception | None = None
            while True:
                if not await self._pause(exit_status, error):
                    return
                try:
                    client = await self._spawn()
                    break
                except (ByokeyError, OSError) as failure:
                    exit_status, error = None, failure
            await self._restarted(client)

    async def _pause(self, exit_status: int | None, error: Exception | None) -> bool:
        """Waits before the next start. Returns whether there is one."""
        self._ends_in_a_row += 1
        number = min(self._ends_in_a_row, len(self._pauses))
        pause = self._pauses[number - 1] if self._pauses else 0.0
        end = ServerEnd(exit_status, error, self._ends_in_a_row, pause)
        if self._on_close is not None and self._on_close(end) == "do_not_restart":
            self._end()
            return False
        await asyncio.sleep(pause)
        return True

    async def _restarted(self, client: ByokeyClient) -> None:
        problem: Exception | None = None
        if self._signed_in:
            try:
                await self._sign_in_to(client)
            except Exception as error:  # Of the provider, which may raise anything.
                problem = error
        if client._running.done():
            return
        self._restarts += 1
        if self._on_restart is not None:
            self._on_restart(Restart(client, self._restarts, problem))

    async def _sign_in_to(self, client: ByokeyClient) -> None:
        changes = self._changes
        with client._logging():
            login = await self._new_login()
        # A later logout, login or new server wins.
        if login is None or changes != self._changes or self._client is not client:
            return
        await client.login(login)
        if changes == self._changes and isinstance(login, ExternalTokens):
            self._account_id = login.chatgpt_account_id

    async def _new_login(self) -> ExternalTokens | LoginStartParamsBearerToken | None:
        """Asks the provider, and returns the login with its answer; none without a provider."""
        wanted = self._bearer_login
        if wanted is not None and self._bearer_provider is not None:
            request = BearerTokenRefreshParams(reason="login", origin=wanted.origin)
            bearer = await ask_for_bearer(self._bearer_provider, request)
            return LoginStartParamsBearerToken(
                token=bearer.token,
                origin=wanted.origin,
                expires_at=bearer.expires_at,
                label=wanted.label,
            )
        if self._provider is None:
            return None
        account = RefreshParams(reason="login", previous_account_id=self._account_id)
        return await ask(self._provider, account)

    def _change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _end(self) -> None:
        self._closed.set()
        self._events.end()
        if self._account is not None:
            self._account._end()
        self._change()
