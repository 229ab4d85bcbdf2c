"""The client without asyncio: the same names, and each call returns when it is done.

A thread of its own runs the connection. Listeners and token providers are called in other threads
than the one that made the client; a provider may block.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar, overload

from . import client as asynchronous
from ._generated.methods import Notification, Request
from ._generated.types import (
    AccountReadResult,
    BearerToken,
    BearerTokenRefreshParams,
    ClientCapabilities,
    ClientInfo,
    Empty,
    ExternalTokens,
    InitializeResult,
    LoginCancelResult,
    LoginStartParams,
    LoginStartResult,
    ModelListResult,
    RateLimitsReadResult,
    RefreshParams,
    ThreadStartParams,
    ThreadStartResult,
    TurnStartParams,
    TurnStartResult,
    UsageReadResult,
)
from ._run import DeviceCode, RunResult
from ._secret import Secret
from .events import Event
from .providers import (
    BearerTokenProvider,
    CommandTokens,
    TokenProvider,
    ask,
    ask_for_bearer,
)

P = TypeVar("P")
R = TypeVar("R")

__all__ = ["ByokeyClient"]


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="byokey", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, R]) -> R:
        """Runs it to its end. Interrupting this cancels it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a listener must not wait for the client that calls it")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()


def _in_a_thread(provider: TokenProvider) -> TokenProvider:
    """A provider that may block without holding up the connection."""
    if isinstance(provider, CommandTokens):
        return provider

    async def asked(request: RefreshParams) -> ExternalTokens:
        tokens = await asyncio.to_thread(provider, request)
        return await ask(lambda _: tokens, request)

    return asked


def _bearer_in_a_thread(provider: BearerTokenProvider) -> BearerTokenProvider:
    """The same for bearer tokens."""

    async def asked(request: BearerTokenRefreshParams) -> BearerToken:
        token = await asyncio.to_thread(provider, request)
        return await ask_for_bearer(lambda _: token, request)

    return asked


class ByokeyClient:
    """A server that was spawned, and the conversation with it. `spawn` makes one."""

    def __init__(self, client: asynchronous.ByokeyClient, loop: _Loop) -> None:
        self._client = client
        self._loop = loop

    @classmethod
    def spawn(
        cls,
        *,
        client_info: ClientInfo,
        refresh_tokens: TokenProvider | None = None,
        refresh_bearer_token: BearerTokenProvider | None = None,
        server_owns_login: bool = False,
        command: str | None = None,
        args: Sequence[str] = ("app-server",),
        environment: Mapping[str, str] | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        capabilities: ClientCapabilities | None = None,
        on_log: Callable[[str], None] | None = None,
        start_timeout: float = 10.0,
    ) -> ByokeyClient:
        """Starts a server and shakes hands, as `byokey.ByokeyClient.spawn`; use it with ``with``."""
        provider = None if refresh_tokens is None else _in_a_thread(refresh_tokens)
        bearer = refresh_bearer_token
        options: dict[str, Any] = {
            "client_info": client_info,
            "refresh_tokens": provider,
            "refresh_bearer_token": None if bearer is None else _bearer_in_a_thread(bearer),
            "server_owns_login": server_owns_login,
            "command": command,
            "args": args,
            "environment": environment,
            "working_directory": working_directory,
            "capabilities": capabilities,
            "on_log": on_log,
            "start_timeout": start_timeout,
        }
        spawning = asynchronous.ByokeyClient.spawn(**options)

        async def spawned() -> asynchronous.ByokeyClient:
            return await spawning

        loop = _Loop()
        try:
            return cls(loop.call(spawned()), loop)
        except BaseException:
            loop.stop()
            raise

    @property
    def server(self) -> InitializeResult:
        """What the server reported about itself."""
        return self._client.server

    @property
    def pid(self) -> int:
        """Id of the server's process."""
        return self._client.pid

    def login(self, params: LoginStartParams | ExternalTokens) -> LoginStartResult:
        """Starts a login. Tokens, as a provider supplies them, and keys are in force afterwards."""
        return self._loop.call(self._client.login(params))

    def login_in_browser(self, open: Callable[[str], object]) -> AccountReadResult:
        """Signs in with the browser, and returns the account when the user is done."""
        return self._loop.call(
            self._client.login_in_browser(lambda url: asyncio.to_thread(open, url))
        )

    def login_with_device_code(self, show: Callable[[DeviceCode], object]) -> AccountReadResult:
        """Signs in with a code that the user types on any device."""
        return self._loop.call(
            self._client.login_with_device_code(lambda code: asyncio.to_thread(show, code))
        )

    def cancel_login(self, login_id: str) -> LoginCancelResult:
        """Gives up a login that waits for its user."""
        return self._loop.call(self._client.cancel_login(login_id))

    def complete_login(self, login_id: str, redirect_url: str | Secret) -> Empty:
        """Ends a browser login with the address that the browser was sent to."""
        return self._loop.call(self._client.complete_login(login_id, redirect_url))

    def logout(self, revoke: bool | None = None) -> Empty:
        """Forgets the credential."""
        return self._loop.call(self._client.logout(revoke))

    def read_account(self) -> AccountReadResult:
        """Returns the account, without touching the network."""
        return self._loop.call(self._client.read_account())

    def read_rate_limits(self) -> RateLimitsReadResult:
        """Reads the rate limits from the backend."""
        return self._loop.call(self._client.read_rate_limits())

    def read_usage(self) -> UsageReadResult:
        """Reads the token usage from the backend."""
        return self._loop.call(self._client.read_usage())

    def list_models(self) -> ModelListResult:
        """Lists the models that the backend offers."""
        return self._loop.call(self._client.list_models())

    def start_thread(self, params: ThreadStartParams | None = None) -> ThreadStartResult:
        """Starts a text conversation."""
        return self._loop.call(self._client.start_thread(params))

    def resume_thread(self, thread_id: str) -> ThreadStartResult:
        """Resumes a conversation of this server."""
        return self._loop.call(self._client.resume_thread(thread_id))

    def start_turn(self, params: TurnStartParams) -> TurnStartResult:
        """Says something in a thread; the answer is streamed in events."""
        return self._loop.call(self._client.start_turn(params))

    def run(
        self,
        text: str,
        *,
        thread_id: str | None = None,
        model: str | None = None,
        on_delta: Callable[[str], object] | None = None,
    ) -> RunResult:
        """Asks one question and returns the whole answer; ``on_delta`` gets its pieces."""
        return self._loop.call(
            self._client.run(text, thread_id=thread_id, model=model, on_delta=on_delta)
        )

    def interrupt_turn(self, thread_id: str, turn_id: str) -> Empty:
        """Stops a turn."""
        return self._loop.call(self._client.interrupt_turn(thread_id, turn_id))

    @overload
    def request(self, method: Request[P, R], params: P) -> R: ...

    @overload
    def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any: ...

    def request(self, method: Request[Any, Any] | str, params: Any = None) -> Any:
        """Asks anything: a method of `byokey.methods` with its types, or a name with JSON."""
        return self._loop.call(self._client.request(method, params))

    def events(self) -> Iterator[Event]:
        """The events from now on, until the server has ended."""

        async def opened() -> Any:
            return self._client.events()

        stream = self._loop.call(opened())

        async def following() -> Event | None:
            async for event in stream:
                return event  # type: ignore[no-any-return]
            return None

        def given() -> Iterator[Event]:
            while (event := self._loop.call(following())) is not None:
                yield event

        return given()

    def on(
        self, event: Notification[P] | str, listener: Callable[[P], object]
    ) -> Callable[[], None]:
        """Calls the listener, in the connection's thread, for each event of one kind."""
        return self._client.on(event, listener)

    def close(self) -> None:
        """Ends the server. Calls that wait in other threads fail with `ConnectionClosedError`."""
        self._loop.call(self._client.close())
        self._loop.stop()

    def __enter__(self) -> ByokeyClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
