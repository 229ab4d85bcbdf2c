"""One question and its whole answer, and logins that the server runs, from start to end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._generated.types import (
    AccountReadResult,
    AgentMessageDelta,
    ItemCompleted,
    LoginCompleted,
    LoginStartParams,
    LoginStartResultChatgpt,
    LoginStartResultChatgptDeviceCode,
    ThreadItemAgentMessage,
    ThreadStartParams,
    Turn,
    TurnCompleted,
    TurnStartParams,
    UserInputText,
)
from .errors import INTERNAL_ERROR, ByokeyError, LoginError, TurnFailedError

if TYPE_CHECKING:
    from .client import ByokeyClient


@dataclass(frozen=True)
class RunResult:
    """An answer."""

    text: str
    """What the model said last: the whole of its final message."""
    thread_id: str
    """The conversation, to go on with."""
    turn: Turn
    """The turn as it ended."""


@dataclass(frozen=True)
class DeviceCode:
    """What the user of a device login needs."""

    verification_url: str
    """The page to open."""
    user_code: str
    """The code to type there."""


async def run(
    client: ByokeyClient,
    text: str,
    thread_id: str | None,
    model: str | None,
    on_delta: Callable[[str], object] | None,
) -> RunResult:
    """Asks, waits for the end of the turn, and returns the answer. Cancelling it interrupts the turn."""
    # Subscribed before the turn, so that no event is missed.
    events = client.events()
    try:
        if thread_id is None:
            thread_id = (await client.start_thread(ThreadStartParams())).thread.id
        question = TurnStartParams(
            thread_id=thread_id, input=[UserInputText(text=text, text_elements=[])], model=model
        )
        turn = (await client.start_turn(question)).turn
        answer = ""
        try:
            async for event in events:
                params: Any = event.params
                if isinstance(params, AgentMessageDelta) and params.turn_id == turn.id:
                    if on_delta is not None:
                        on_delta(params.delta)
                elif isinstance(params, ItemCompleted) and params.turn_id == turn.id:
                    if isinstance(params.item, ThreadItemAgentMessage):
                        answer = params.item.text
                elif isinstance(params, TurnCompleted) and params.turn.id == turn.id:
                    if params.turn.status == "completed":
                        return RunResult(answer, thread_id, params.turn)
                    message = "" if params.turn.error is None else params.turn.error.message
                    said = client._shown(message)
                    raise TurnFailedError(thread_id, params.turn, said)
        except asyncio.CancelledError:
            _in_background(client.interrupt_turn(thread_id, turn.id))
            raise
        # The events have ended, so the server is gone: a call returns the reason.
        await client.read_account()
        raise TurnFailedError(thread_id, turn, None)
    finally:
        await events.aclose()


async def wait_for_login(
    client: ByokeyClient,
    params: LoginStartParams,
    show: Callable[[Any], object],
) -> AccountReadResult:
    """Starts a login, has `show` take it to the user, and waits for its end. Cancelling it ends it."""
    # Subscribed before the start, so that a quick end is not missed.
    events = client.events()
    login_id = None
    try:
        started = await client.login(params)
        if not isinstance(
            started, (LoginStartResultChatgpt, LoginStartResultChatgptDeviceCode)
        ):
            raise _login_failed(None)
        login_id = started.login_id
        shown = show(started)
        if inspect.isawaitable(shown):
            await shown
        async for event in events:
            done: Any = event.params
            if isinstance(done, LoginCompleted) and done.login_id == login_id:
                login_id = None
                if not done.success:
                    raise _login_failed(client._shown(done.error or ""))
                return await client.read_account()
        # The events have ended, so the server is gone: a call returns the reason.
        login_id = None
        return await client.read_account()
    finally:
        await events.aclose()
        if login_id is not None:
            _in_background(client.cancel_login(login_id))


def _login_failed(server_message: str | None) -> LoginError:
    return LoginError(
        "account/login/start", INTERNAL_ERROR, "loginFailed", server_message=server_message
    )


_background: set[asyncio.Future[None]] = set()


def _in_background(call: Awaitable[object]) -> None:
    """Makes a call whose outcome does not matter."""

    async def made() -> None:
        with suppress(ByokeyError):
            await call

    task = asyncio.ensure_future(made())
    _background.add(task)
    task.add_done_callback(_background.discard)
