"""Runs the client's side of a transcript of `clients/suite`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import byokey
from byokey import (
    BearerToken,
    BearerTokenRefreshParams,
    ByokeyClient,
    ByokeyError,
    ExternalTokens,
    RefreshParams,
    RequestError,
    Supervisor,
    methods,
)

SUITE = Path(__file__).resolve().parents[2] / "suite"
TOKENS: dict[str, str] = json.loads((SUITE / "tokens.json").read_text())
METHODS = {method.name: method for method in methods.CLIENT_REQUESTS}
PATIENCE = 20.0


def transcripts() -> dict[str, dict[str, Any]]:
    """Returns every transcript by name."""
    files = [*(SUITE / "transcripts").glob("*.json"), *(SUITE / "programs").glob("*.json")]
    return {file.stem: json.loads(file.read_text()) | {"file": str(file)} for file in sorted(files)}


def filled(value: Any, names: dict[str, Any]) -> Any:
    """Returns `value` with each `$name` replaced."""
    if isinstance(value, dict):
        return {key: filled(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(element, names) for element in value]
    if isinstance(value, str) and value[:1] == "$" and value[1:] in names:
        return names[value[1:]]
    return value


def has(actual: Any, wanted: Any) -> bool:
    """Returns whether `actual` contains all members of `wanted`."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            key in actual and has(actual[key], member) for key, member in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(wanted)
            and all(map(has, actual, wanted))
        )
    return type(actual) is type(wanted) and actual == wanted


async def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds; the step has a deadline."""
    while not holds():
        await asyncio.sleep(0.005)


class Provider:
    """The token providers, which follow the transcript."""

    def __init__(self, script: list[dict[str, Any]]) -> None:
        self.script = script
        self.asked: list[RefreshParams | BearerTokenRefreshParams] = []
        self.changed = asyncio.Condition()

    async def __call__(self, request: RefreshParams) -> ExternalTokens:
        step = await self.next(request)
        if "command" in step:
            says, status = step["command"]["says"], step["command"]["status"]
            helper = ["sh", "-c", 'echo "$0" >&2; exit "$1"', says, str(status)]
            return await byokey.command_tokens(helper)(request)
        if "hang" in step:
            await asyncio.Event().wait()
        return ExternalTokens.from_wire(filled(step["answer"], TOKENS))

    async def bearer(self, request: BearerTokenRefreshParams) -> BearerToken:
        step = await self.next(request)
        return BearerToken.from_wire(filled(step["answer"], TOKENS))

    async def next(self, request: RefreshParams | BearerTokenRefreshParams) -> dict[str, Any]:
        step = self.script[len(self.asked)]
        async with self.changed:
            self.asked.append(request)
            self.changed.notify_all()
        if "fail" in step:
            raise RuntimeError(step["fail"])
        return step

    async def wait_for(self, number: int) -> RefreshParams | BearerTokenRefreshParams:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.asked) >= number)
        return self.asked[number - 1]


class Player:
    """One run of the client's steps."""

    def __init__(
        self,
        source: ByokeyClient | Supervisor,
        provider: Provider,
        log: list[str],
        restarts: Callable[[], int] = lambda: 0,
        names: dict[str, Any] | None = None,
    ) -> None:
        self.source = source
        self.provider = provider
        self.log = log
        self.restarts = restarts
        self.events = source.events()
        self.calls: dict[str, asyncio.Task[Any]] = {}
        self.names: dict[str, Any] = TOKENS | (names or {})

    async def play(self, steps: list[dict[str, Any]]) -> None:
        for number, step in enumerate(steps, 1):
            try:
                await asyncio.wait_for(self.step(filled(step, self.names)), PATIENCE)
            except (AssertionError, ByokeyError, asyncio.TimeoutError) as error:
                raise AssertionError(f"client step {number}: {step}: {error!r}") from error

    async def step(self, step: dict[str, Any]) -> None:
        kind = next(iter(step))
        if isinstance(self.source, ByokeyClient):
            self.client = self.source
        else:
            self.client = await self.source.ready()
        if kind == "call":
            call = self.typed if step.get("typed") else self.client.request
            self.calls[step["as"]] = asyncio.create_task(call(step["call"], step.get("params")))
            await asyncio.sleep(0)
        elif kind == "result":
            result = await self.calls[step["result"]]
            assert "is" not in step or has(result, step["is"]), result
            for name, path in step.get("keep", {}).items():
                value = result
                for member in path:
                    value = value[member]
                self.names[name] = value
        elif kind == "fails":
            await self.fails(step)
        elif kind == "cancel":
            self.calls[step["cancel"]].cancel()
        elif kind == "cancelled":
            try:
                await self.calls[step["cancelled"]]
                raise AssertionError("it succeeded")
            except asyncio.CancelledError:
                pass
        elif kind == "event":
            async for event in self.events:
                if event.method == step["event"]:
                    assert "is" not in step or has(event.raw, step["is"]), event.raw
                    return
            raise AssertionError("the stream ended")
        elif kind == "asked":
            request = await self.provider.wait_for(step["asked"])
            assert has(request.to_wire(), step.get("is", {})), request
        elif kind == "account":
            await self.account(step["account"])
        elif kind == "logged":
            await until(lambda: any(step["logged"] in line for line in self.log))
        elif kind == "restarted":
            await until(lambda: self.restarts() >= step["restarted"])
        elif kind == "kill":
            os.kill(self.client.pid, signal.SIGKILL)
        elif kind == "close":
            await self.client.close()
        elif kind == "closed":
            await self.client.closed()
        else:
            raise AssertionError(f"no such step: {kind}")

    async def typed(self, name: str, params: Any) -> Any:
        """The same call through the generated types, converted back to JSON."""
        method = METHODS[name]
        result = await self.client.request(method, method.read_params(params, ""))
        return result.to_wire()

    async def account(self, wanted: Any) -> None:
        changes = self.client.account.__aiter__()
        while True:
            account = self.client.account.current
            if has(None if account is None else account.to_wire(), wanted):
                return
            await changes.__anext__()

    async def fails(self, step: dict[str, Any]) -> None:
        try:
            await self.calls[step["fails"]]
        except ByokeyError as error:
            assert type(error) is getattr(byokey, step["error"]), repr(error)
            assert step.get("says", "") in str(error), str(error)
            for shown in (str(error), repr(error), repr(vars(error)), repr(error.args)):
                assert not any(token in shown for token in TOKENS.values()), "a token is shown"
            if isinstance(error, RequestError):
                assert error.kind == step.get("kind"), error.kind
                assert error.code == step.get("code"), error.code
            return
        raise AssertionError("it succeeded")
