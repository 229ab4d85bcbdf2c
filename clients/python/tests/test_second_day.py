"""What hosts meet on the second day: a whole answer, logins that wait, restarts, odd programs."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import byokey.sync
from byokey import (
    BearerLogin,
    ByokeyClient,
    ByokeyError,
    ConnectionClosedError,
    DeviceCode,
    ExternalTokens,
    LoginError,
    RefreshParams,
    Restart,
    Secret,
    ServerEnd,
    ServerNotFoundError,
    StartTimeoutError,
    Supervisor,
    TokenProviderError,
    TurnFailedError,
    command_tokens,
)
from byokey import _stdio
from byokey._redact import redact, redact_arguments
from byokey.types import AccountChatgpt, AccountUpdated, TurnCompleted, TurnStarted
from driver import SUITE, TOKENS, until
from programs import HOST, byokey as byokey_program, dev_backend, made_up_server

ADA = TOKENS["ada"]

TURNS = """
def turn(status, error=None):
    return {"id": "u", "rootTurnId": "u", "items": [], "itemsView": "full", "status": status, "error": error,
            "startedAt": None, "completedAt": None, "durationMs": None}
def delta(text, turn="u"):
    send(method="item/agentMessage/delta", params={"threadId": "t", "turnId": turn, "itemId": "i", "delta": text})
def item(text, turn="u"):
    send(method="item/completed", params={"threadId": "t", "turnId": turn, "completedAtMs": 1,
         "item": {"type": "agentMessage", "id": "i", "text": text, "phase": None, "memoryCitation": None}})
def end(status, error=None):
    send(method="turn/completed", params={"threadId": "t", "turn": turn(status, error)})
def start():
    question = ask()
    send(method="turn/started", params={"threadId": "t", "turn": turn("inProgress")})
    send(id=question["id"], result={"turn": turn("inProgress")})
    return question["params"]["threadId"] + ": " + question["params"]["input"][0]["text"]
"""

SERVER = """
email = None
while True:
    message = ask()
    method = message["method"]
    if method == "account/login/start":
        email = message["params"]["accessToken"]
        send(id=message["id"], result={"type": "chatgptAuthTokens"})
        send(method="account/updated", params={"authMode": "chatgptAuthTokens", "planType": "pro"})
    elif method == "account/logout":
        email = None
        send(id=message["id"], result={})
    elif method == "account/read":
        account = email and {"type": "chatgpt", "email": email, "planType": "pro"}
        send(id=message["id"], result={"account": account, "requiresOpenaiAuth": True})
    elif method == "die":
        sys.exit(3)
"""


def tokens(request: RefreshParams) -> ExternalTokens:
    return ExternalTokens(access_token=Secret("ada"), chatgpt_account_id="ws-ada")


def spawn(*lines: str, **options: Any) -> Any:
    return ByokeyClient.spawn(
        client_info=HOST, **(made_up_server(*lines) | {"refresh_tokens": tokens} | options)
    )


class Runs(unittest.IsolatedAsyncioTestCase):
    async def test_run_gives_the_pieces_and_the_whole(self) -> None:
        lines = (TURNS, "text = start(); delta('of another', 'v'); item('of another', 'v')",
                 "delta('one '); delta('two'); item(text); end('completed'); ask()")
        async with spawn(*lines) as client:
            events = client.events()
            pieces: list[str] = []
            result = await client.run("Hello", thread_id="t", on_delta=pieces.append)
            self.assertEqual((result.text, result.thread_id), ("t: Hello", "t"))
            self.assertEqual(pieces, ["one ", "two"])
            seen = []
            async for event in events:
                match event.params:
                    case TurnStarted():
                        seen.append("started")
                    case TurnCompleted():
                        seen.append("completed")
                        break
            self.assertEqual(seen, ["started", "completed"])

    async def test_a_turn_that_fails_says_why(self) -> None:
        error = {"message": f"used up until 17:00, {ADA}", "codexErrorInfo": "usageLimitExceeded",
                 "additionalDetails": None}
        async with spawn(TURNS, f"start(); end('failed', {error!r}); ask()") as client:
            with self.assertRaisesRegex(TurnFailedError, "usageLimitExceeded.*used up until 17:00") as it:
                await client.run("Hello", thread_id="t")
            self.assertEqual(it.exception.kind, "usageLimitExceeded")
            self.assertNotIn(ADA, str(it.exception))

    async def test_a_cancelled_run_interrupts_its_turn(self) -> None:
        lines = (TURNS, "start(); delta('one'); m = ask(); send(method='saw', params=m); ask()")
        async with spawn(*lines) as client:
            events = client.events()
            came = asyncio.Event()
            run = asyncio.create_task(client.run("Hello", thread_id="t", on_delta=lambda _: came.set()))
            await asyncio.wait_for(came.wait(), 20)
            run.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await run
            async for event in events:
                if event.method == "saw":
                    self.assertEqual(event.raw["method"], "turn/interrupt")
                    break

    async def test_a_server_that_ends_fails_the_run(self) -> None:
        async with spawn(TURNS, "start(); sys.exit(3)") as client:
            with self.assertRaises(ConnectionClosedError):
                await asyncio.wait_for(client.run("Hello", thread_id="t"), 20)


LOGINS = """
def login(ends):
    m = ask()
    send(method="account/login/completed", params={"loginId": "other", "success": False, "error": "not mine"})
    send(id=m["id"], result={"type": m["params"]["type"], "loginId": "l", "authUrl": "https://a.test",
         "verificationUrl": "https://v.test", "userCode": "AB-12"})
    if ends is not None:
        send(method="account/login/completed", params={"loginId": "l", "success": not ends, "error": ends or None})
"""


class Logins(unittest.IsolatedAsyncioTestCase):
    async def test_the_end_is_waited_for(self) -> None:
        async with spawn(LOGINS, "login('')", SERVER) as client:
            opened: list[str] = []
            read = await asyncio.wait_for(client.login_in_browser(opened.append), 20)
            self.assertEqual(opened, ["https://a.test"])
            self.assertIsNone(read.account)

    async def test_a_failure_says_why(self) -> None:
        async with spawn(LOGINS, "login('the code has expired')", SERVER) as client:
            codes: list[DeviceCode] = []
            with self.assertRaisesRegex(LoginError, "the code has expired. Start the login"):
                await asyncio.wait_for(client.login_with_device_code(codes.append), 20)
            self.assertEqual(codes, [DeviceCode("https://v.test", "AB-12")])

    async def test_what_is_given_up_is_cancelled(self) -> None:
        lines = (LOGINS, "login(None); m = ask(); send(method='saw', params=m); ask()")
        async with spawn(*lines) as client:
            events = client.events()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.login_in_browser(lambda url: None), 0.3)
            async for event in events:
                if event.method == "saw":
                    self.assertEqual(event.raw["method"], "account/login/cancel")
                    break

    async def test_a_server_that_owns_the_login_needs_no_provider(self) -> None:
        lines = ("send(id='r', method='account/chatgptAuthTokens/refresh', params={'reason': 'unauthorized'})",
                 "send(method='saw', params=ask()); ask()")
        client = await ByokeyClient.spawn(
            client_info=HOST, server_owns_login=True, **made_up_server(*lines)
        )
        async with client:
            event = await client.events().__anext__()
            self.assertEqual(event.raw["error"]["code"], -32601)


class Programs(unittest.IsolatedAsyncioTestCase):
    def stranger(self, version: str) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "byokey"
        path.write_text(
            f'#!/bin/sh\ncase "$1" in --version) echo "{version}" ;; '
            "*) echo \"error: unrecognized subcommand '$1'\" >&2; exit 2 ;; esac\n"
        )
        path.chmod(0o755)
        return str(path)

    async def test_another_program_is_recognised_and_named(self) -> None:
        command = self.stranger("byokey 1.4.2")
        with self.assertRaisesRegex(ServerNotFoundError, 'another program, which calls itself "byokey 1.4.2"') as it:
            await spawn(command=command, args=["app-server"])
        self.assertIn(f"{command} app-server", str(it.exception))
        self.assertEqual(it.exception.last_log, ("error: unrecognized subcommand 'app-server'",))

    async def test_our_own_program_is_not_another(self) -> None:
        with self.assertRaisesRegex(ConnectionClosedError, "unrecognized subcommand 'app-servr'"):
            await spawn(command=self.stranger("codex-cli 0.169.0 (byokey 0.1.0)"), args=["app-servr"])

    async def test_an_end_says_which_program_and_what_it_wrote_last(self) -> None:
        lines = ("for n in range(30): print('line', n, file=sys.stderr)",
                 f"print('bearer {ADA} was refused', file=sys.stderr, flush=True)", "ask()", "sys.exit(3)")
        async with spawn(*lines) as client:
            with self.assertRaises(ConnectionClosedError) as it:
                await client.request("end")
        self.assertEqual(it.exception.command, sys.executable)
        self.assertEqual(len(it.exception.last_log), 10)
        self.assertIn("\n  line 29\n  bearer [redacted] was refused", str(it.exception))

    async def test_a_start_that_takes_too_long_says_the_same(self) -> None:
        program = "import sys, time; print('waiting for a network', file=sys.stderr, flush=True); time.sleep(60)"
        with self.assertRaisesRegex(StartTimeoutError, "waiting for a network"):
            await spawn(command=sys.executable, args=["-c", program], start_timeout=1.5)

    async def test_a_token_command_writes_to_the_log(self) -> None:
        command = ["sh", "-c", f'echo "run my-login; it was {ADA}" >&2; exit 3']
        log: list[str] = []
        lines = ("send(id='r', method='account/chatgptAuthTokens/refresh', params={'reason': 'unauthorized'})",
                 "m = ask(); send(method='saw', params=m); ask()")
        async with spawn(*lines, refresh_tokens=command_tokens(command), on_log=log.append) as client:
            await client.events().__anext__()
        self.assertEqual(log, ["[token command] run my-login; it was [redacted]"])
        own: list[str] = []
        with self.assertRaises(TokenProviderError):
            await command_tokens(command, on_log=own.append)()
        self.assertEqual(own, log)

    def test_the_working_directory_is_not_searched(self) -> None:
        program = Path(self.stranger("byokey 1"))
        with mock.patch("os.getcwd", return_value=str(program.parent)):
            self.assertIsNone(_stdio.search_path(["byokey"], f".{os.pathsep}"))
        self.assertEqual(_stdio.search_path(["byokey"], str(program.parent)), str(program))

    def test_windows_looks_a_bare_name_up_on_the_search_path(self) -> None:
        program = Path(self.stranger("byokey 1"))
        with mock.patch.object(os, "name", "nt"), mock.patch.dict(
            os.environ, {"PATH": str(program.parent)}
        ):
            with self.assertRaisesRegex(ServerNotFoundError, "not found on the search path"):
                _stdio._resolved("byokey", [])
            program.rename(program.with_suffix(".exe"))
            self.assertEqual(_stdio._resolved("byokey", []), str(program.with_suffix(".exe")))
            self.assertEqual(_stdio._resolved("C:\\byokey", []), "C:\\byokey")

    def test_what_may_be_a_secret_is_redacted(self) -> None:
        known = json.loads((SUITE / "redaction.json").read_text("utf-8"))
        for plain in known["plain"]:
            self.assertEqual(redact(plain), plain)
        for token, around in itertools.product(known["tokens"], known["around"]):
            self.assertNotIn(token, redact(around.replace("$token", token)))
        for word in known["words"]:
            self.assertNotIn(word["secret"], redact(word["text"]))
        for secret in (*TOKENS.values(), "A" * 24):
            self.assertNotIn(secret, redact(f"it is '{secret}', or {secret}."))
        self.assertEqual(redact("https://ada:pass@proxy.test"), "https://[redacted]@proxy.test")
        args = ("-c", "x.token=abc", "-c", "chatgpt_base_url=http://127.0.0.1:1/b")
        self.assertEqual(redact_arguments(args), ("-c", "x.token=…", *args[2:]))

    def test_a_secret_that_is_cut_is_not_shown(self) -> None:
        for secret in ("sk-made-up-0123456789", "https://ada:made-up-password@proxy.test"):
            self.assertEqual(redact("x" * 1986 + " " + secret), "[redacted] …")
        self.assertEqual(redact("/" * 2001), "…")


class Supervised(unittest.IsolatedAsyncioTestCase):
    def start(self, **options: Any) -> Any:
        more: dict[str, Any] = {"pauses": [0.001, 0.02], "refresh_tokens": tokens}
        return Supervisor.start(client_info=HOST, **(made_up_server(SERVER) | more | options))

    async def die(self, supervisor: Supervisor) -> None:
        client = await supervisor.ready()
        with self.assertRaises(ConnectionClosedError):
            await client.request("die")

    async def test_it_starts_again_signs_in_again_and_is_heard(self) -> None:
        asked: list[RefreshParams] = []
        restarts: list[Restart] = []
        ends: list[ServerEnd] = []

        def provider(request: RefreshParams) -> ExternalTokens:
            asked.append(request)
            return tokens(request)

        supervisor = await self.start(
            refresh_tokens=provider, on_restart=restarts.append,
            on_close=lambda end: ends.append(end),
        )
        async with supervisor:
            heard: list[AccountUpdated] = []
            supervisor.on("account/updated", heard.append)
            for count in (1, 2):
                await self.die(supervisor)
                await until(lambda: len(restarts) == count)
            await until(lambda: len(heard) >= 2)
            self.assertEqual([it.previous_account_id for it in asked], [None, "ws-ada", "ws-ada"])
            self.assertEqual([(it.exit_status, it.pause, it.ends_in_a_row) for it in ends], [(3, 0.001, 1), (3, 0.02, 2)])
            self.assertIs(restarts[1].client, supervisor.client)
            self.assertIsNone(restarts[1].sign_in_error)

    async def test_the_account_is_kept_and_a_sign_out_lasts(self) -> None:
        async with await self.start() as supervisor:
            account = supervisor.account
            await until(lambda: isinstance(account.current, AccountChatgpt))
            await self.die(supervisor)
            await until(lambda: isinstance(account.current, AccountChatgpt))
            await supervisor.sign_out()
            await self.die(supervisor)
            await until(lambda: account.current is None)
            await supervisor.sign_in()
            await until(lambda: isinstance(account.current, AccountChatgpt))

    async def test_a_sign_out_wins_over_tokens_that_come_later(self) -> None:
        given: asyncio.Future[ExternalTokens] = asyncio.get_running_loop().create_future()
        supervisor = await self.start(refresh_tokens=lambda request: given, sign_in=False)
        async with supervisor:
            signing_in = asyncio.create_task(supervisor.sign_in())
            await asyncio.sleep(0.05)
            await supervisor.sign_out()
            given.set_result(tokens(RefreshParams(reason="login")))
            await signing_in
            assert supervisor.client
            self.assertIsNone((await supervisor.client.read_account()).account)

    async def test_on_close_decides(self) -> None:
        async with await self.start(on_close=lambda end: "do_not_restart") as supervisor:
            await self.die(supervisor)
            await asyncio.wait_for(supervisor.closed(), 20)
            with self.assertRaises(ByokeyError):
                await supervisor.ready()

    async def test_a_first_start_that_fails_is_raised(self) -> None:
        with self.assertRaises(ServerNotFoundError):
            await self.start(command="/nowhere/byokey")
        with self.assertRaisesRegex(TokenProviderError, "something else"):
            await self.start(refresh_tokens=lambda request: None)
        with self.assertRaisesRegex(TypeError, "`refresh_bearer_token`"):
            await self.start(bearer_login=BearerLogin("https://api.example"))

    async def test_a_provider_that_fails_at_a_restart_is_told_to_on_restart(self) -> None:
        problem: list[Exception] = []
        restarts: list[Restart] = []

        def provider(request: RefreshParams) -> ExternalTokens:
            if problem:
                raise problem[0]
            return tokens(request)

        async with await self.start(refresh_tokens=provider, on_restart=restarts.append) as supervisor:
            problem.append(RuntimeError("the helper is gone"))
            await self.die(supervisor)
            await until(lambda: len(restarts) == 1)
            self.assertIs(restarts[0].sign_in_error, problem[0])

    async def test_closing_ends_a_pause(self) -> None:
        supervisor = await self.start(pauses=[60])
        await self.die(supervisor)
        await until(lambda: supervisor.client is None)
        await asyncio.wait_for(supervisor.close(), 20)


class Synchronous(unittest.TestCase):
    def test_the_same_without_asyncio(self) -> None:
        asked: list[str] = []

        def provider(request: RefreshParams) -> ExternalTokens:
            asked.append(threading.current_thread().name)
            name = "ada-renewed" if request.reason == "unauthorized" else "ada"
            return ExternalTokens(access_token=Secret(TOKENS[name]), chatgpt_account_id="ws-ada")

        with dev_backend({"rejectedBearers": [ADA]}) as args, byokey.sync.ByokeyClient.spawn(
            client_info=HOST, refresh_tokens=provider, command=byokey_program(), args=args
        ) as client:
            client.login(provider(RefreshParams(reason="login")))
            self.assertEqual(client.read_rate_limits().rate_limits.limit_id, "codex")
            self.assertNotIn(asked[-1], ("byokey", threading.current_thread().name))
            pieces: list[str] = []
            result = client.run("Hello", on_delta=pieces.append)
            self.assertEqual(result.text, "".join(pieces))
            events = client.events()
            client.logout()
            self.assertEqual(next(events).method, "account/updated")
            with self.assertRaises(ByokeyError):
                client.read_usage()
        self.assertFalse(any(thread.name == "byokey" for thread in threading.enumerate()))

    def test_a_start_that_fails_leaves_no_thread(self) -> None:
        with self.assertRaises(ServerNotFoundError):
            byokey.sync.ByokeyClient.spawn(
                client_info=HOST, server_owns_login=True, command="/nowhere/byokey"
            )
        with self.assertRaises(TypeError):
            byokey.sync.ByokeyClient.spawn(client_info=HOST)
        self.assertFalse(any(thread.name == "byokey" for thread in threading.enumerate()))
