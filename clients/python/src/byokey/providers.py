"""Token providers: a function of the host, or a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias, cast

from ._generated._wire import WireError
from ._generated.types import (
    BearerToken,
    BearerTokenRefreshParams,
    ExternalTokens,
    RefreshParams,
)
from ._redact import redact
from ._stdio import read_log
from .errors import TokenProviderError

TokenProvider: TypeAlias = Callable[[RefreshParams], ExternalTokens | Awaitable[ExternalTokens]]
"""Supplies tokens. It is called with the reason and the account of the tokens in use."""

BearerTokenProvider: TypeAlias = Callable[
    [BearerTokenRefreshParams], BearerToken | Awaitable[BearerToken]
]
"""Supplies bearer tokens. It is called with the reason and the origin of the token in use."""

_MARGIN = 60.0
"""How long before their expiry cached tokens are no longer used, in seconds."""


log_of_the_client: ContextVar[Callable[[str], None] | None] = ContextVar(
    "log_of_the_client", default=None
)
"""Where a command's standard error goes: `on_log` of the client that asks."""

FIRST_LOGIN = RefreshParams(reason="login")
"""Returns the parameters for requesting the first tokens."""


async def ask(provider: TokenProvider, request: RefreshParams) -> ExternalTokens:
    """Calls any provider."""
    # A host without types may return anything.
    tokens = cast(object, provider(request))
    if isinstance(tokens, Awaitable):
        tokens = cast(object, await tokens)
    if not isinstance(tokens, ExternalTokens):
        raise TokenProviderError("the token provider returned something else than ExternalTokens")
    return tokens


async def ask_for_bearer(
    provider: BearerTokenProvider, request: BearerTokenRefreshParams
) -> BearerToken:
    """Calls any provider of bearer tokens."""
    token = cast(object, provider(request))
    if isinstance(token, Awaitable):
        token = cast(object, await token)
    if not isinstance(token, BearerToken):
        raise TokenProviderError("the token provider returned something else than BearerToken")
    return token


def command_tokens(
    command: Sequence[str],
    *,
    timeout: float = 8.0,
    environment: Mapping[str, str] | None = None,
    working_directory: str | os.PathLike[str] | None = None,
    on_log: Callable[[str], None] | None = None,
) -> CommandTokens:
    """Returns a provider that runs a program, like git's credential helpers.

    The program gets the reason and the account in ``BYOKEY_REFRESH_REASON`` and
    ``BYOKEY_PREVIOUS_ACCOUNT_ID``, and prints one JSON object: ``accessToken``,
    ``chatgptAccountId``, and if it likes ``chatgptPlanType`` and ``expiresAt`` in seconds since
    1970. What it printed is kept until a minute before it expires, or until the backend refuses it.
    What it writes to standard error goes to ``on_log``, line by line and redacted; without that, to
    the ``on_log`` of the client that asks.
    """
    return CommandTokens(command, timeout, environment, working_directory, on_log)


class CommandTokens:
    """The provider of `command_tokens`. It can be called directly, too: ``await provider()``."""

    def __init__(
        self,
        command: Sequence[str],
        timeout: float,
        environment: Mapping[str, str] | None,
        working_directory: str | os.PathLike[str] | None,
        on_log: Callable[[str], None] | None,
    ) -> None:
        self._command = tuple(command)
        self._timeout = timeout
        self._environment = environment
        self._working_directory = working_directory
        self._on_log = on_log
        self._kept: tuple[ExternalTokens, float | None] | None = None
        self._running = asyncio.Lock()

    async def __call__(self, request: RefreshParams = FIRST_LOGIN) -> ExternalTokens:
        async with self._running:
            if self._kept is not None and self._is_good(self._kept, request):
                return self._kept[0]
            self._kept = None
            self._kept = read_tokens(await self._run(request))
            return self._kept[0]

    @staticmethod
    def _is_good(kept: tuple[ExternalTokens, float | None], request: RefreshParams) -> bool:
        tokens, expires_at = kept
        if request.reason == "unauthorized":
            return False
        if request.previous_account_id not in (None, tokens.chatgpt_account_id):
            return False
        if expires_at is None:
            # The server's word on the expiry takes precedence.
            return request.reason != "expiring"
        return time.time() < expires_at - _MARGIN

    async def _run(self, request: RefreshParams) -> bytes:
        environment = dict(os.environ if self._environment is None else self._environment)
        environment["BYOKEY_REFRESH_REASON"] = request.reason
        environment["BYOKEY_PREVIOUS_ACCOUNT_ID"] = request.previous_account_id or ""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=environment,
                cwd=self._working_directory,
                start_new_session=True,
            )
        except OSError as error:
            raise TokenProviderError(
                f"the token command cannot be started: {error.strerror}"
            ) from None
        try:
            output = await asyncio.wait_for(self._read(process), self._timeout)
        except asyncio.TimeoutError:
            raise TokenProviderError(
                f"the token command took longer than {self._timeout:g} seconds"
            ) from None
        finally:
            await _end(process)
        if process.returncode != 0:
            raise TokenProviderError(f"the token command ended with status {process.returncode}")
        return output


    async def _read(self, process: Process) -> bytes:
        assert process.stdout and process.stderr
        on_log = self._on_log or log_of_the_client.get()

        def log(line: str) -> None:
            if on_log is not None and line:
                on_log(f"[token command] {redact(line)}")

        output, _, _ = await asyncio.gather(
            process.stdout.read(), read_log(process.stderr, log), process.wait()
        )
        return output


async def _end(process: Process) -> None:
    """Ends a command and its descendants, if they are running."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        await process.wait()


def read_tokens(output: bytes) -> tuple[ExternalTokens, float | None]:
    """Returns the tokens that a command printed, and their expiry."""
    try:
        printed: Any = json.loads(output.decode())
        tokens = ExternalTokens.from_wire(printed)
    except WireError as error:
        raise TokenProviderError(f"the token command printed JSON in which {error}") from None
    except (ValueError, RecursionError):
        raise TokenProviderError(
            "the token command did not print one JSON object and nothing else"
        ) from None
    expires_at = printed.get("expiresAt")
    is_number = isinstance(expires_at, (int, float)) and not isinstance(expires_at, bool)
    if expires_at is not None and not is_number:
        raise TokenProviderError("the token command printed JSON in which `expiresAt` is no number")
    return tokens, expires_at
