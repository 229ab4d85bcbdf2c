"""The README's examples, executed verbatim."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from unittest import mock

from byokey import ByokeyClient, ClientInfo, ExternalTokens, RefreshParams, Secret, methods
from driver import TOKENS
from programs import byokey, dev_backend

README = Path(__file__).resolve().parents[1] / "README.md"
HEADINGS = [
    "Install",
    "Quick start",
    "Methods",
    "Supervision",
    "Account",
    "Events",
    "Token providers",
    "Errors",
    "Closing",
    "Packaging",
    "Versions",
]


def examples() -> dict[str, str]:
    """The Python code below each heading."""
    found = {}
    for section in README.read_text().split("\n## ")[1:]:
        if code := re.search(r"```python\n(.*?)```", section, re.DOTALL):
            found[section.splitlines()[0]] = code[1]
    return found


class Readme(unittest.TestCase):
    def test_the_headings_are_those_of_every_client(self) -> None:
        self.assertEqual(re.findall(r"^## (.*)$", README.read_text(), re.MULTILINE), HEADINGS)

    def test_the_quick_start_prints_the_account(self) -> None:
        with dev_backend({}) as (_, *arguments):
            done = subprocess.run(
                [sys.executable, "-c", examples()["Quick start"], *arguments],
                env=os.environ | {"BYOKEY_BIN": byokey()},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        account, limits = done.stdout.splitlines()
        self.assertEqual(
            account, "AccountChatgpt(email='ada@example.test', plan_type='unknown')"
        )
        self.assertTrue(limits.startswith("RateLimitWindow(used_percent="), limits)

    def test_the_other_examples_run(self) -> None:
        with tempfile.TemporaryDirectory() as folder, dev_backend({}) as args:
            helper = Path(folder) / "my-login-helper"
            helper.write_text(
                "#!/bin/sh\n"
                f'echo \'{{"accessToken": "{TOKENS["bob"]}", "chatgptAccountId": "ws-bob"}}\'\n'
            )
            helper.chmod(0o755)
            search_path = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
            printed = io.StringIO()
            with mock.patch.dict(os.environ, search_path), contextlib.redirect_stdout(printed):
                asyncio.run(self.run_examples(args))
        self.assertEqual(
            printed.getvalue().splitlines(),
            [
                "You said: Say hello.",
                "now AccountChatgpt(email='bob@example.test', plan_type='team')",
                "nobody",
                "signed in, plan pro",
                "signed in, plan team",
                *("You ", "said: ", "Hello"),
                "signed out",
                "please sign in: authRequired",
            ],
        )

    async def run_examples(self, args: list[str]) -> None:
        def tokens(request: RefreshParams) -> ExternalTokens:
            return ExternalTokens(access_token=Secret(TOKENS["ada"]), chatgpt_account_id="ws-ada")

        async with ByokeyClient.spawn(
            client_info=ClientInfo(name="readme", version="1"),
            refresh_tokens=tokens,
            command=byokey(),
            args=args,
        ) as client:
            await client.login(tokens(RefreshParams(reason="login")))
            names = {"host": ClientInfo(name="readme", version="1"), "my_tokens": tokens, "args": args}
            with mock.patch.dict(os.environ, {"BYOKEY_BIN": byokey()}):
                await self.run_example("Supervision", client, names)
            await self.run_example("Token providers", client)
            answered = asyncio.Event()
            client.on(methods.TURN_COMPLETED, lambda turn: answered.set())
            account = asyncio.create_task(self.run_example("Account", client))
            await self.run_example("Methods", client)
            await asyncio.wait_for(answered.wait(), 30)
            await client.logout()
            await account
            await self.run_example("Events", client)
            await self.run_example("Errors", client)

    async def run_example(
        self, heading: str, client: ByokeyClient, given: dict[str, object] | None = None
    ) -> None:
        code = "async def example(client):\n" + textwrap.indent(examples()[heading], "    ")
        names = dict(given or {})
        exec(compile(ast.parse(code), heading, "exec"), names)
        example = names["example"]
        assert callable(example)
        await asyncio.wait_for(example(client), 30)
