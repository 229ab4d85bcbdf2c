"""What the transcripts of the suite do not cover: start, exit, events, and secrets."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from byokey import (
    ByokeyClient,
    ByokeyError,
    ConnectionClosedError,
    ExternalTokens,
    RefreshParams,
    RequestError,
    Secret,
    ServerNotFoundError,
    UnknownEvent,
    methods,
)
from byokey.types import AccountUpdated, LoginStartParamsApiKey
from programs import HOST, byokey, made_up_server

TOKEN = "made-up-token-of-the-python-client"


def tokens(request: RefreshParams) -> ExternalTokens:
    return ExternalTokens(access_token=Secret(TOKEN), chatgpt_account_id="ws-1")


def spawn(*lines: str, **options: Any) -> Any:
    """A client of a fake server."""
    return ByokeyClient.spawn(
        client_info=HOST, refresh_tokens=tokens, **(made_up_server(*lines) | options)
    )


class Starting(unittest.IsolatedAsyncioTestCase):
    async def test_a_token_provider_is_required(self) -> None:
        with self.assertRaises(TypeError):
            ByokeyClient.spawn(client_info=HOST)  # type: ignore[call-overload]

    async def test_the_real_server_tells_of_itself(self) -> None:
        client = await ByokeyClient.spawn(
            client_info=HOST, refresh_tokens=tokens, command=byokey()
        )
        async with client:
            info = client.server.server_info
            assert info
            self.assertEqual((info.name, info.protocol_version), ("byokey", methods.PROTOCOL_VERSION))
            self.assertIsNone((await client.read_account()).account)

    async def test_the_program_is_looked_for_in_order(self) -> None:
        arguments: dict[str, Any] = {"client_info": HOST, "refresh_tokens": tokens}
        program = byokey()
        with tempfile.TemporaryDirectory() as folder:
            nothing = {"PATH": folder, "HOME": folder}
            with mock.patch.dict(os.environ, nothing, clear=True):
                with self.assertRaises(ServerNotFoundError) as none:
                    await ByokeyClient.spawn(**arguments)
                self.assertEqual(len(none.exception.searched), 4)
                self.assertIn("BYOKEY_BIN", str(none.exception))
                (Path(folder) / "byokey").symlink_to(program)
                async with ByokeyClient.spawn(**arguments):
                    pass
                os.environ["BYOKEY_BIN"] = f"{folder}/not-there"
                with self.assertRaises(ServerNotFoundError) as wrong:
                    await ByokeyClient.spawn(**arguments)
                self.assertIn("not-there", str(wrong.exception))
                async with ByokeyClient.spawn(**arguments, command=program):
                    pass

    async def test_a_program_that_is_no_server_is_no_hanging_spawn(self) -> None:
        with self.assertRaises(ConnectionClosedError) as error:
            await spawn(command=sys.executable, args=["-c", "raise SystemExit(7)"])
        self.assertEqual(error.exception.exit_status, 7)

    async def test_a_handshake_of_another_shape_ends_the_program(self) -> None:
        program = (
            "import json,os,sys; open(sys.argv[1],'w').write(str(os.getpid()))\n"
            "print(json.dumps({'id': json.loads(input())['id'], 'result': {}}), flush=True)\n"
            "sys.stdin.read()"
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pid"
            with self.assertRaisesRegex(ByokeyError, "`initialize` in another shape: `userAgent`"):
                await spawn(command=sys.executable, args=["-c", program, str(file)])
            with self.assertRaises(ProcessLookupError):
                os.kill(int(file.read_text()), 0)

    async def test_environment_folder_and_log_are_those_of_the_process(self) -> None:
        log: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            client = await spawn(
                "print(os.environ['COLOUR'], os.getcwd(), '\\xfc', file=sys.stderr)",
                "print('x' * 200_000, file=sys.stderr, flush=True)",
                "ask()",
                environment={"COLOUR": "green", "PYTHONIOENCODING": "utf-8"},
                working_directory=folder,
                on_log=log.append,
            )
            await client.close()
            self.assertEqual(log, [f"green {os.path.realpath(folder)} \xfc", "x" * 200_000])


class Ending(unittest.IsolatedAsyncioTestCase):
    async def test_a_server_that_does_not_end_is_killed(self) -> None:
        client = await spawn(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "send(method='ready')",
            "while True: time.sleep(1)",
        )
        async for event in client.events():
            self.assertEqual(event.method, "ready")
            break
        await asyncio.wait_for(client.close(), 3)
        self.assertEqual(await client.closed(), -9)
        with self.assertRaises(ProcessLookupError):
            os.kill(client.pid, 0)
        with self.assertRaises(ConnectionClosedError):
            await client.read_account()

    async def test_the_streams_end_with_the_connection(self) -> None:
        client = await spawn("send(method='one')", "sys.exit(3)")
        self.assertEqual([event.method async for event in client.events()], ["one"])
        self.assertEqual(await client.closed(), 3)
        self.assertEqual([event async for event in client.events()], [])
        with self.assertRaises(ConnectionClosedError) as error:
            await client.read_account()
        self.assertEqual(error.exception.exit_status, 3)
        await client.close()

    async def test_a_server_that_closes_its_output_is_gone(self) -> None:
        client = await spawn("os.close(1)", "while True: time.sleep(1)")
        with self.assertRaises(ConnectionClosedError):
            await asyncio.wait_for(client.read_account(), 3)
        await client.close()

    async def test_a_server_that_does_not_read_does_not_hold_up_the_end(self) -> None:
        client = await spawn("send(method='ready')", "while True: time.sleep(1)")
        call = asyncio.create_task(client.request("much", {"padding": "x" * 1_000_000}))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(client.close(), 3)
        with self.assertRaises(ConnectionClosedError):
            await call


class Asking(unittest.IsolatedAsyncioTestCase):
    async def test_cancelling_is_told_to_the_server_and_raised_again(self) -> None:
        client = await spawn(
            "first = ask(); cancel = ask(); send(method='saw', params=[first['id'], cancel])", "ask()"
        )
        events = client.events()
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(client.read_usage(), 0.1)
        seen = (await events.__anext__()).raw
        cancel = {"method": "$/cancelRequest", "params": {"id": seen[0]}}
        self.assertEqual(seen[1], cancel)
        await client.close()

    async def test_large_messages_come_whole_in_both_directions(self) -> None:
        large = {"text": "\u00fc" * 1_000_000}
        async with spawn("m = ask(); send(id=m['id'], result=m['params'])", "ask()") as client:
            self.assertEqual(await client.request("anything", large), large)

    async def test_a_result_of_another_shape_says_where(self) -> None:
        async with spawn("send(id=ask()['id'], result={'account': {'type': 7}})", "ask()") as client:
            with self.assertRaisesRegex(ByokeyError, "`account.type` is not a string"):
                await client.read_account()

    async def test_an_error_of_another_shape_is_an_error(self) -> None:
        async with spawn("send(id=ask()['id'], error='made up')", "ask()") as client:
            with self.assertRaises(RequestError) as error:
                await client.read_account()
            self.assertEqual((error.exception.code, error.exception.kind), (-32603, None))

    async def test_what_the_server_writes_is_in_no_text(self) -> None:
        lines = (
            f"text = '{TOKEN}'",
            "data = {'kind': text, 'path': 'a ' + text, 'requestId': text + '?', 'status': text}",
            "send(id=ask()['id'], error={'code': 1, 'message': text, 'data': data})",
            "send(id=ask()['id'], result={'type': [text]})",
            "send(id=ask()['id'], result={text: text})",
            "ask()",
        )
        async with spawn(*lines) as client:
            key = LoginStartParamsApiKey(api_key=Secret(TOKEN))
            self.assertNotIn(TOKEN, repr(key))
            for _ in range(3):
                with self.assertRaises(ByokeyError) as error:
                    await client.login(key)
                shown = str(error.exception) + repr(error.exception) + repr(vars(error.exception))
                self.assertNotIn(TOKEN, shown)
                self.assertIsNone(error.exception.__cause__)

    async def test_a_secret_is_sent_in_untyped_params_too(self) -> None:
        async with spawn("m = ask(); send(id=m['id'], result=m['params'])", "ask()") as client:
            self.assertEqual(
                await client.request("anything", {"key": Secret("made-up")}), {"key": "made-up"}
            )


class Events(unittest.IsolatedAsyncioTestCase):
    async def test_nothing_from_the_start_is_missed(self) -> None:
        async with spawn("send(method='early')", "send(id=ask()['id'], result={})", "ask()") as client:
            await client.request("anything")
            self.assertEqual((await client.events().__anext__()).method, "early")

    async def test_listeners_get_their_type_and_may_fail(self) -> None:
        lines = (
            "send(method='account/updated', params={'authMode': 'chatgpt', 'planType': 'galactic'})",
            "send(method='account/updated', params={'authMode': 7})",
            "send(method='somebody/new', params=[1])",
            "send(id=ask()['id'], result={})",
            "ask()",
        )
        seen: list[object] = []
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, it: problems.append(it))
        async with spawn(*lines) as client:
            stream = client.events()

            def fails(account: AccountUpdated) -> None:
                raise ZeroDivisionError

            client.on(methods.ACCOUNT_UPDATED, fails)
            client.on(methods.ACCOUNT_UPDATED, lambda account: seen.append(account.plan_type))
            client.on("somebody/new", seen.append)
            client.on("somebody/new", fails)()
            await client.request("anything")
            one, two, three = [await stream.__anext__() for _ in range(3)]
            await asyncio.sleep(0)
        self.assertEqual(seen, ["galactic", [1]])
        self.assertEqual(len(problems), 1)
        self.assertEqual(one.params, AccountUpdated(auth_mode="chatgpt", plan_type="galactic"))
        self.assertEqual(two, UnknownEvent("account/updated", {"authMode": 7}, {"authMode": 7}))
        self.assertEqual(three, UnknownEvent("somebody/new", [1], [1]))

    async def test_a_stream_that_nobody_reads_does_not_grow_for_ever(self) -> None:
        lines = (
            "m = ask()",
            "for n in range(100_001): send(method='many', params=n)",
            "send(id=m['id'], result={})",
            "ask()",
        )
        async with spawn(*lines) as client:
            slow = client.events()
            await client.request("anything")
            with self.assertRaisesRegex(ByokeyError, "more than 100000 events waited"):
                async for event in slow:
                    last = event.raw
            self.assertEqual(last, 99_999)


class Secrets(unittest.TestCase):
    def test_it_shows_nothing(self) -> None:
        import copy
        import json
        import pickle

        secret = Secret(TOKEN)
        params = tokens(RefreshParams(reason="unauthorized"))
        for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr(params)):
            self.assertNotIn(TOKEN, shown)
            self.assertIn("[redacted]", shown)
        for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
            with self.assertRaises(TypeError) as error:
                leak(secret)
            self.assertNotIn(TOKEN, str(error.exception))
        self.assertEqual(secret.expose(), TOKEN)
