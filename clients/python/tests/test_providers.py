"""Token providers: functions, and commands like credential helpers."""

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
    ByokeyClient,
    ExternalTokens,
    RefreshFailedError,
    RefreshParams,
    Secret,
    TokenProviderError,
    command_tokens,
)
from byokey.providers import ask
from driver import TOKENS
from programs import HOST, byokey, dev_backend

LOGIN = RefreshParams(reason="login")
REFUSED = RefreshParams(reason="unauthorized", previous_account_id="ws-1")


class Functions(unittest.IsolatedAsyncioTestCase):
    async def test_both_kinds_of_function_can_be_asked(self) -> None:
        tokens = ExternalTokens(access_token=Secret("made-up"))

        async def later(request: RefreshParams) -> ExternalTokens:
            return tokens

        self.assertIs(await ask(lambda request: tokens, LOGIN), tokens)
        self.assertIs(await ask(later, LOGIN), tokens)

    async def test_what_is_no_token_is_an_error(self) -> None:
        wrong: Any = lambda request: {"accessToken": "made-up-secret"}  # noqa: E731
        with self.assertRaises(TokenProviderError) as error:
            await ask(wrong, LOGIN)
        self.assertNotIn("made-up-secret", str(error.exception))


class Commands(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def command(self, *lines: str) -> list[str]:
        """Returns a program that records each run, and prints an answer with its number."""
        program = (
            "import json, os, subprocess, sys, time",
            f"file = open({str(self.folder / 'runs')!r}, 'a+')",
            "print(os.environ['BYOKEY_REFRESH_REASON'], "
            "os.environ['BYOKEY_PREVIOUS_ACCOUNT_ID'], file=file, flush=True)",
            "file.seek(0); run = len(file.readlines())",
            "answer = {'accessToken': f'made-up-{run}', 'chatgptAccountId': 'ws-1'}",
            *(lines or ("print(json.dumps(answer))",)),
        )
        return [sys.executable, "-c", "\n".join(program)]

    def runs(self) -> list[str]:
        return (self.folder / "runs").read_text().splitlines()

    async def test_it_is_told_the_reason_and_the_account(self) -> None:
        tokens = await command_tokens(self.command())(REFUSED)
        self.assertEqual(tokens.access_token.expose(), "made-up-1")
        self.assertEqual(tokens.chatgpt_account_id, "ws-1")
        await command_tokens(self.command())(LOGIN)
        self.assertEqual(self.runs(), ["unauthorized ws-1", "login "])

    async def test_what_it_printed_is_kept_until_it_is_refused(self) -> None:
        provider = command_tokens(self.command())
        await asyncio.gather(*(ask(provider, LOGIN) for _ in range(5)))
        self.assertEqual(len(self.runs()), 1)
        self.assertEqual((await ask(provider, REFUSED)).access_token.expose(), "made-up-2")
        self.assertEqual((await ask(provider, LOGIN)).access_token.expose(), "made-up-2")
        await ask(provider, RefreshParams(reason="login", previous_account_id="ws-2"))
        await ask(provider, RefreshParams(reason="expiring", previous_account_id="ws-1"))
        self.assertEqual(len(self.runs()), 4)

    async def test_what_it_printed_is_kept_until_a_minute_before_it_expires(self) -> None:
        for seconds, runs in ((50, 2), (3_600, 1)):
            (self.folder / "runs").unlink(missing_ok=True)
            provider = command_tokens(
                self.command(
                    f"print(json.dumps(answer | {{'expiresAt': time.time() + {seconds}}}))"
                )
            )
            await ask(provider, LOGIN)
            await ask(provider, RefreshParams(reason="expiring", previous_account_id="ws-1"))
            self.assertEqual(len(self.runs()), runs, seconds)

    async def test_a_failure_says_what_and_not_what_was_printed(self) -> None:
        secret = "made-up-secret"
        for line, problem in (
            (f"print('{secret}'); sys.exit(3)", "ended with status 3"),
            (f"print('{secret}')", "did not print one JSON object"),
            ("sys.stdout.buffer.write(b'\\xff')", "did not print one JSON object"),
            ("print(json.dumps(answer)); print(json.dumps(answer))", "did not print one JSON"),
            (f"print(json.dumps([{secret!r}]))", "this is not an object"),
            (f"print(json.dumps({{{secret!r}: 1}}))", "`accessToken` is not there"),
            ("print(json.dumps({'accessToken': 5}))", "`accessToken` is not a string"),
            (f"print(json.dumps(answer | {{'expiresAt': {secret!r}}}))", "`expiresAt`"),
        ):
            with self.assertRaises(TokenProviderError) as error:
                await ask(command_tokens(self.command(line)), LOGIN)
            self.assertIn(problem, str(error.exception))
            self.assertNotIn(secret, str(error.exception))
            self.assertIsNone(error.exception.__cause__)
        with self.assertRaisesRegex(TokenProviderError, "cannot be started: No such file"):
            await ask(command_tokens([str(self.folder / "not-there")]), LOGIN)

    async def test_a_failure_is_not_kept(self) -> None:
        provider = command_tokens(
            self.command("sys.exit(1) if run == 1 else print(json.dumps(answer))")
        )
        with self.assertRaises(TokenProviderError):
            await ask(provider, LOGIN)
        self.assertEqual((await ask(provider, LOGIN)).access_token.expose(), "made-up-2")

    async def test_one_that_takes_too_long_is_ended_with_all_that_it_started(self) -> None:
        file = self.folder / "child"
        command = self.command(
            "child = subprocess.Popen(['sleep', '60'])",
            f"open({str(file)!r}, 'w').write(str(child.pid))",
            "child.wait()",
        )
        started = time.monotonic()
        with self.assertRaisesRegex(TokenProviderError, "longer than 1 seconds"):
            await ask(command_tokens(command, timeout=1), LOGIN)
        self.assertLess(time.monotonic() - started, 5)
        await self.wait_for_the_end_of(int(file.read_text()))

    async def wait_for_the_end_of(self, process: int) -> None:
        for _ in range(100):
            state = Path(f"/proc/{process}/stat")
            if not state.exists() or ") Z " in state.read_text():
                return
            await asyncio.sleep(0.05)
        os.kill(process, 9)
        self.fail("the program's child is still there")

    async def test_a_client_signs_in_and_refreshes_with_it(self) -> None:
        answers = [TOKENS["ada"], TOKENS["ada-renewed"]]
        provider = command_tokens(
            self.command(
                f"print(json.dumps(answer | {{'accessToken': {answers!r}[run - 1]}}))"
                " if run < 3 else sys.exit(1)"
            )
        )
        script = {"rejectedBearers": [TOKENS["ada"]], "expireAfter": 1}
        with dev_backend(script) as args:
            client = await ByokeyClient.spawn(
                client_info=HOST, refresh_tokens=provider, command=byokey(), args=args
            )
            async with client:
                await client.login(await provider())
                await client.read_rate_limits()
                self.assertEqual(self.runs(), ["login ", "unauthorized ws-1"])
                with self.assertRaises(RefreshFailedError) as error:
                    await client.read_rate_limits()
                self.assertEqual(error.exception.kind, "hostRefused")
