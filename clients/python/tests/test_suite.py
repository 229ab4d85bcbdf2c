"""Runs every transcript of `clients/suite`, against the scripted and against the real server."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from byokey import (
    BearerLogin,
    ByokeyClient,
    ByokeyError,
    ClientCapabilities,
    Restart,
    Supervisor,
    errors,
)
from driver import PATIENCE, SUITE, TOKENS, Player, Provider, filled, transcripts
from programs import HOST, backend_url, byokey, codex, dev_backend

CLOSING_TAKES = 3.0


async def play(
    transcript: dict[str, Any],
    command: str,
    args: list[str],
    environment: dict[str, str] | None = None,
    names: dict[str, Any] | None = None,
) -> None:
    """Runs the client's side against this server."""
    provider = Provider(transcript.get("refresh", []))
    capabilities = transcript.get("capabilities")
    log: list[str] = []
    options: dict[str, Any] = {
        "client_info": HOST,
        "refresh_tokens": provider,
        "refresh_bearer_token": provider.bearer,
        "command": command,
        "args": args,
        "environment": environment,
        "capabilities": capabilities and ClientCapabilities.from_wire(capabilities),
        "on_log": log.append,
        "start_timeout": transcript.get("startTimeoutMs", 10_000) / 1000,
    }
    if transcript.get("supervised"):
        await play_supervised(transcript, provider, log, options)
        return
    spawning = ByokeyClient.spawn(**options)
    if "spawnFails" in transcript:
        try:
            await asyncio.wait_for(spawning, PATIENCE)
        except ByokeyError as error:
            assert type(error) is getattr(errors, transcript["spawnFails"]), repr(error)
            for text in transcript.get("spawnSays", []):
                assert text in str(error), str(error)
            for shown in (str(error), repr(error), repr(vars(error))):
                assert not any(token in shown for token in TOKENS.values()), "a token is shown"
            return
        raise AssertionError("it was spawned")
    client = await spawning
    player = Player(client, provider, log, names=names)
    try:
        await player.play(transcript["client"])
    finally:
        closing = time.monotonic()
        await client.close()
        took = time.monotonic() - closing
        await asyncio.gather(*player.calls.values(), return_exceptions=True)
    assert took < CLOSING_TAKES, f"closing took {took} seconds"


async def play_supervised(
    transcript: dict[str, Any], provider: Provider, log: list[str], options: dict[str, Any]
) -> None:
    """The same with a server that is kept running."""
    restarts: list[Restart] = []
    if "bearerLogin" in transcript:
        options["bearer_login"] = BearerLogin(**transcript["bearerLogin"])
    supervisor = await Supervisor.start(on_restart=restarts.append, pauses=[0.01], **options)
    player = Player(supervisor, provider, log, lambda: len(restarts))
    try:
        await player.play(transcript["client"])
    finally:
        await asyncio.wait_for(supervisor.close(), CLOSING_TAKES)
        await asyncio.gather(*player.calls.values(), return_exceptions=True)


class Suite(unittest.TestCase):
    """One test per transcript and server."""


def against_the_scripted_server(name: str, transcript: dict[str, Any]) -> None:
    def test(self: Suite) -> None:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            server = str(SUITE / "scripted_server.py")
            file = transcript["file"]
            try:
                asyncio.run(play(transcript, sys.executable, [server, file, str(report)]))
            except AssertionError as failure:
                verdict = report.read_text() if report.exists() else "no report"
                raise AssertionError(f"{failure}; the server says: {verdict}") from failure
            self.assertEqual(report.read_text(), "ok")

    setattr(Suite, f"test_{name}_scripted", test)


def against_the_real_server(name: str, transcript: dict[str, Any]) -> None:
    def test(self: Suite) -> None:
        with dev_backend(filled(transcript["backend"], TOKENS)) as args:
            url = backend_url(args)
            for setting in transcript.get("settings", []):
                args += ["-c", setting.replace("$backend", url)]
            asyncio.run(play(transcript, byokey(), args, names={"backend": url}))

    setattr(Suite, f"test_{name}_real", test)


def against_codex(name: str, transcript: dict[str, Any]) -> None:
    @unittest.skipUnless(codex(), "codex is not installed; tests/codex/setup.sh installs it")
    def test(self: Suite) -> None:
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | {"HOME": home, "CODEX_HOME": home}
            asyncio.run(play(transcript, codex(), ["app-server"], environment))

    setattr(Suite, f"test_{name}_codex", test)


for name, transcript in transcripts().items():
    if "server" in transcript or "servers" in transcript:
        against_the_scripted_server(name, transcript)
    if "backend" in transcript:
        against_the_real_server(name, transcript)
    if transcript.get("codex"):
        against_codex(name, transcript)
