"""The client: spawns a server and calls it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from ._connection import METHOD_NOT_FOUND, Connection, Refusal
from ._generated import methods
from ._generated._wire import WireError
from ._generated.methods import Notification, Request
from ._generated.types import (
    AccountReadParams,
    AccountReadResult,
    BearerTokenRefreshParams,
    ClientCapabilities,
    ClientInfo,
    Empty,
    ExternalTokens,
    InitializeParams,
    InitializeResult,
    LoginCancelParams,
    LoginCancelResult,
    LoginCompleteParams,
    LoginStartParams,
    LoginStartParamsChatgpt,
    LoginStartParamsChatgptAuthTokens,
    LoginStartParamsChatgptDeviceCode,
    LoginStartResult,
    LogoutParams,
    ModelListParams,
    ModelListResult,
    RateLimitsReadParams,
    RateLimitsReadResult,
    RefreshParams,
    ThreadResumeParams,
    ThreadStartParams,
    ThreadStartResult,
    TurnInterruptParams,
    TurnStartParams,
    TurnStartResult,
    UsageReadParams,
    UsageReadResult,
)
from ._redact import redact
from ._run import DeviceCode, RunResult, run, wait_for_login
from ._secret import Secret
from ._stdio import Server, explain_end
from .account import AccountState
from .errors import ByokeyError, ConnectionClosedError, StartTimeoutError
from .events import Events, EventStream
from .providers import (
    BearerTokenProvider,
    TokenProvider,
    ask,
    ask_for_bearer,
    log_of_the_client,
)

P = TypeVar("P")
R = TypeVar("R")

PROVIDER_FAILED = -32000
"""The error code of a refresh request with a failed provider."""


class ByokeyClient:
    """A spawned server, and the connection to it. Created by `spawn`."""

    def __init__(
        self,
        server: Server,
        refresh_tokens: TokenProvider | None,
        on_log: Callable[[str], None] | None = None,
        refresh_bearer_token: BearerTokenProvider | None = None,
    ) -> None:
        self._process = server
        self._refresh_tokens = refresh_tokens
        self._refresh_bearer_token = refresh_bearer_token
        self._on_log = on_log
        self._events = Events()
        self._account: AccountState | None = None
        self._connection = Connection(server, self._answer, self._events.publish)
        self._running = asyncio.ensure_future(self._run())
        self.server: InitializeResult
        """The server's description of itself."""

    @overload
    @classmethod
    def spawn(
        cls,
        *,
        client_info: ClientInfo,
        refresh_tokens: TokenProvider,
        refresh_bearer_token: BearerTokenProvider | None = ...,
        server_owns_login: Literal[False] = ...,
        command: str | None = ...,
        args: Sequence[str] = ...,
        environment: Mapping[str, str] | None = ...,
        working_directory: str | os.PathLike[str] | None = ...,
        capabilities: ClientCapabilities | None = ...,
        on_log: Callable[[str], None] | None = ...,
        start_timeout: float = ...,
    ) -> Spawning: ...

    @overload
    @classmethod
    def spawn(
        cls,
        *,
        client_info: ClientInfo,
        refresh_tokens: None = ...,
        refresh_bearer_token: BearerTokenProvider,
        server_owns_login: Literal[False] = ...,
        command: str | None = ...,
        args: Sequence[str] = ...,
        environment: Mapping[str, str] | None = ...,
        working_directory: str | os.PathLike[str] | None = ...,
        capabilities: ClientCapabilities | None = ...,
        on_log: Callable[[str], None] | None = ...,
        start_timeout: float = ...,
    ) -> Spawning: ...

    @overload
    @classmethod
    def spawn(
        cls,
        *,
        client_info: ClientInfo,
        refresh_tokens: None = ...,
        refresh_bearer_token: None = ...,
        server_owns_login: Literal[True],
        command: str | None = ...,
        args: Sequence[str] = ...,
        environment: Mapping[str, str] | None = ...,
        working_directory: str | os.PathLike[str] | None = ...,
        capabilities: ClientCapabilities | None = ...,
        on_log: Callable[[str], None] | None = ...,
        start_timeout: float = ...,
    ) -> Spawning: ...

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
    ) -> Spawning:
        """Starts a server and runs the handshake: ``await`` it, or use it with ``async with``.

        ``client_info`` is the name and version of the host, ``refresh_tokens`` supplies new tokens
        when the backend refuses the old ones; ``refresh_bearer_token`` does so for a login with
        ``bearerToken``. One of them is required, unless ``server_owns_login`` says that the login is the server's own: in the browser, with a device code, a key, or one that
        it has stored. Without ``command`` the program is looked for in ``BYOKEY_BIN``, in this
        package, and on the search path. ``environment`` and ``working_directory`` are those of the
        process. ``on_log`` is given each line that the server writes to standard error, and those
        of a token command; without it only the last lines are kept, for errors. ``start_timeout``
        is how many seconds it may take to answer the handshake.
        """
        if refresh_tokens is None and refresh_bearer_token is None and not server_owns_login:
            raise TypeError(
                "`refresh_tokens` or `refresh_bearer_token` is required, or `server_owns_login=True`"
            )

        async def spawned() -> ByokeyClient:
            server = await Server.start(command, args, environment, working_directory, on_log)
            client = cls(server, refresh_tokens, on_log, refresh_bearer_token)
            try:
                shaking = client._shake_hands(client_info, capabilities)
                await asyncio.wait_for(shaking, start_timeout)
            except asyncio.TimeoutError:
                launched = server.launched
                await client.close()
                raise StartTimeoutError(start_timeout, launched) from None
            except ConnectionClosedError as error:
                await client.close()
                raise await explain_end(error, server.command, server.searched) from None
            except BaseException:
                await client.close()
                raise
            info = client.server.server_info
            client._connection.is_trusted = info is not None and info.name == "byokey"
            return client

        return Spawning(spawned)

    @property
    def account(self) -> AccountState:
        """The account, kept current from the first use of this on.

        The first use reads it, and so does every ``account/updated``.
        """
        if self._account is None:
            self._account = account = AccountState(self.read_account)
            self._events.watch(methods.ACCOUNT_UPDATED.name, account._update)
            if self._running.done():
                account._end()
        return self._account

    async def login(self, params: LoginStartParams | ExternalTokens) -> LoginStartResult:
        """Starts a login. Tokens, as from a provider, and keys are in force afterwards."""
        if isinstance(params, ExternalTokens):
            params = LoginStartParamsChatgptAuthTokens(
                access_token=params.access_token,
                chatgpt_account_id=params.chatgpt_account_id,
                chatgpt_plan_type=params.chatgpt_plan_type,
                id_token=params.id_token,
            )
        return await self.request(methods.ACCOUNT_LOGIN_START, params)

    async def login_in_browser(self, open: Callable[[str], object]) -> AccountReadResult:
        """Signs in with the browser, and returns the account when the user is done.

        ``open`` is given the page to open, and may be a coroutine function. Cancelling the task
        gives the login up; it waits for at most 15 minutes.
        """
        return await wait_for_login(
            self, LoginStartParamsChatgpt(), lambda started: open(started.auth_url)
        )

    async def login_with_device_code(
        self, show: Callable[[DeviceCode], object]
    ) -> AccountReadResult:
        """Signs in with a code that the user types on any device: ``show`` is given page and code."""
        return await wait_for_login(
            self,
            LoginStartParamsChatgptDeviceCode(),
            lambda started: show(DeviceCode(started.verification_url, started.user_code)),
        )

    async def cancel_login(self, login_id: str) -> LoginCancelResult:
        """Cancels a pending login."""
        return await self.request(
            methods.ACCOUNT_LOGIN_CANCEL, LoginCancelParams(login_id=login_id)
        )

    async def complete_login(self, login_id: str, redirect_url: str | Secret) -> Empty:
        """Completes a browser login with the address that the browser was redirected to."""
        url = Secret(redirect_url) if isinstance(redirect_url, str) else redirect_url
        return await self.request(
            methods.ACCOUNT_LOGIN_COMPLETE, LoginCompleteParams(login_id=login_id, redirect_url=url)
        )

    async def logout(self, revoke: bool | None = None) -> Empty:
        """Logs out. A login of the server is revoked at the issuer, unless ``revoke`` is false."""
        return await self.request(methods.ACCOUNT_LOGOUT, LogoutParams(revoke=revoke))

    async def read_account(self) -> AccountReadResult:
        """Returns the account, without network requests."""
        return await self.request(methods.ACCOUNT_READ, AccountReadParams())

    async def read_rate_limits(self) -> RateLimitsReadResult:
        """Reads the rate limits from the backend."""
        return await self.request(methods.ACCOUNT_RATE_LIMITS_READ, RateLimitsReadParams())

    async def read_usage(self) -> UsageReadResult:
        """Reads the token usage from the backend."""
        return await self.request(methods.ACCOUNT_USAGE_READ, UsageReadParams())

    async def list_models(self) -> ModelListResult:
        """Lists the available models of the backend."""
        return await self.request(methods.MODEL_LIST, ModelListParams())

    async def start_thread(self, params: ThreadStartParams | None = None) -> ThreadStartResult:
        """Starts a text conversation."""
        return await self.request(methods.THREAD_START, params or ThreadStartParams())

    async def resume_thread(self, thread_id: str) -> ThreadStartResult:
        """Resumes a thread of this server."""
        return await self.request(methods.THREAD_RESUME, ThreadResumeParams(thread_id=thread_id))

    async def start_turn(self, params: TurnStartParams) -> TurnStartResult:
        """Starts a turn in a thread; the answer is streamed in events."""
        return await self.request(methods.TURN_START, params)

    async def run(
        self,
        text: str,
        *,
        thread_id: str | None = None,
        model: str | None = None,
        on_delta: Callable[[str], object] | None = None,
    ) -> RunResult:
        """Asks one question and returns the whole answer.

        ``thread_id`` is the conversation that it belongs to; without it a new one is started.
        ``on_delta`` is called with each piece of the answer as it comes. Cancelling the task
        interrupts the turn.
        """
        return await run(self, text, thread_id, model, on_delta)

    async def interrupt_turn(self, thread_id: str, turn_id: str) -> Empty:
        """Interrupts a turn."""
        return await self.request(
            methods.TURN_INTERRUPT, TurnInterruptParams(thread_id=thread_id, turn_id=turn_id)
        )

    @overload
    async def request(self, method: Request[P, R], params: P) -> R: ...

    @overload
    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any: ...

    async def request(self, method: Request[Any, Any] | str, params: Any = None) -> Any:
        """Calls any method: one of `byokey.methods` with its types, or a name with JSON.

        Cancelling the task cancels the request at the server.
        """
        if isinstance(method, str):
            return await self._connection.request(method, {} if params is None else params)
        result = await self._connection.request(method.name, params.to_wire())
        try:
            return method.read_result(result, "")
        except WireError as error:
            raise ByokeyError(
                f"the server answered `{method.name}` in another shape: {error}. "
                "Use a client and a server of the same version"
            ) from None

    def events(self) -> EventStream:
        """Returns the events from now on. The first stream begins with those before it."""
        return self._events.stream()

    def on(
        self, event: Notification[P] | str, listener: Callable[[P], object]
    ) -> Callable[[], None]:
        """Calls the listener for each event of one kind, until the returned function is called."""
        return self._events.on(event, listener)

    @property
    def pid(self) -> int:
        """Id of the server's process."""
        return self._process.process_id

    async def closed(self) -> int | None:
        """Waits until the connection has ended, and returns the exit status of the server."""
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        """Ends the server. Pending calls fail with `ConnectionClosedError`."""
        self._end(None)
        await self._process.stop()
        await asyncio.wait({self._running})

    async def __aenter__(self) -> ByokeyClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _shake_hands(
        self, client_info: ClientInfo, capabilities: ClientCapabilities | None
    ) -> None:
        params = InitializeParams(
            client_info=client_info, capabilities=capabilities, process_id=os.getpid()
        )
        self.server = await self.request(methods.INITIALIZE, params)
        self._connection.notify(methods.INITIALIZED.name, {})

    async def _run(self) -> int | None:
        status = None
        try:
            status = await self._process.run(self._connection.receive)
        finally:
            self._end(status)
        return status

    def _end(self, status: int | None) -> None:
        self._connection.end(status, self._process.launched)
        self._events.end()
        if self._account is not None:
            self._account._end()

    async def _answer(self, method: str, params: object) -> object:
        refresh = methods.ACCOUNT_CHATGPT_AUTH_TOKENS_REFRESH
        bearer_refresh = methods.ACCOUNT_BEARER_TOKEN_REFRESH
        try:
            if method == refresh.name and self._refresh_tokens is not None:
                request: RefreshParams = refresh.read_params(params, "")
                with self._logging():
                    tokens = await ask(self._refresh_tokens, request)
                return replace(tokens, id_token=None).to_wire()
            if method == bearer_refresh.name and self._refresh_bearer_token is not None:
                wanted: BearerTokenRefreshParams = bearer_refresh.read_params(params, "")
                return (await ask_for_bearer(self._refresh_bearer_token, wanted)).to_wire()
        except Exception:
            # The provider's exception may contain a token, so it stays here.
            raise Refusal(PROVIDER_FAILED, "the token provider of the host failed") from None
        raise Refusal(METHOD_NOT_FOUND, "this client does not know the method")


    @contextlib.contextmanager
    def _logging(self) -> Generator[None, None, None]:
        """Has a token command that is asked meanwhile write to the log of this client."""
        token = log_of_the_client.set(self._on_log)
        try:
            yield
        finally:
            log_of_the_client.reset(token)

    def _shown(self, message: str) -> str | None:
        """What may be shown of a text of the server."""
        return redact(message) if self._connection.is_trusted and message else None


class Spawning:
    """A client that is being spawned."""

    def __init__(self, spawned: Callable[[], Coroutine[Any, Any, ByokeyClient]]) -> None:
        self._spawned = spawned
        self._client: ByokeyClient | None = None

    def __await__(self) -> Generator[Any, None, ByokeyClient]:
        return self._spawned().__await__()

    async def __aenter__(self) -> ByokeyClient:
        self._client = await self
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()
