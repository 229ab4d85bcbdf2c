"""The blocks of the root README, run as they stand there.

Those of other pages are run by the tests beside them: `tests/tests/signin_offline.rs`,
`dev-backend/tests/`, and `clients/*/`."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from shipping.project import ROOT

from . import support

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", README)
JSONRPC = ROOT / ".cache/json-rpc-libraries/vscode-jsonrpc/node_modules"


def token() -> str:
    """A made-up access token."""
    parts = [{"alg": "none"}, {"email": "ada@example.test"}, "made up"]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def put_browser_in(folder: Path) -> None:
    """A browser whose user agrees to everything."""
    browser = folder / "xdg-open"
    browser.write_text('#!/bin/sh\nexec curl -sLo /dev/null --retry 9 --retry-connrefused "$1&sign_in=yes"\n')
    browser.chmod(0o755)


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folders = support.folder()
        cls.root = folders.__enter__()
        cls.addClassCleanup(folders.__exit__, None, None, None)
        cls.program = support.unpacked(cls.root)
        path = f"{cls.program.parent}:{os.environ['PATH']}"
        # The last line of its configuration is where the backend is.
        cls.variables = support.environment(cls.root, PATH=path, CODEX_HOME=str(cls.root / "codex"))
        (cls.root / "codex").mkdir()

    def test_every_block_has_a_test(self) -> None:
        self.assertEqual([language for language, _ in BLOCKS].count("python"), 1)
        self.assertEqual([language for language, _ in BLOCKS].count("ts"), 1)
        others = {language for language, _ in BLOCKS} - {"python", "ts", "sh"}
        self.assertEqual(others, set())
        self.assertLessEqual(len(README.splitlines()), 150)

    def block(self, language: str) -> str:
        """The block in that language."""
        (text,) = [text for name, text in BLOCKS if name == language]
        return text

    def at(self, backend: str) -> dict[str, str]:
        """An environment in which the program calls that backend."""
        (self.root / "codex/config.toml").write_text(f'chatgpt_base_url = "{backend}/backend-api"\n')
        return self.variables

    def test_the_host_in_python(self) -> None:
        mine = f"my_token = my_new_token = lambda: {token()!r}\nmy_account = lambda: 'ws-ada'\n"
        # It reads until the server ends, which it does with its input.
        block = self.block("python").replace("for message in", "server.stdin.close()\nfor message in")
        with support.dev_backend(self.program, env=self.variables) as backend:
            printed = support.run([sys.executable, "-c", mine + block], env=self.at(backend)).stdout
        self.assertIn("account/login/completed", printed)

    def test_the_host_in_typescript(self) -> None:
        if not JSONRPC.exists() or not shutil.which("node"):
            print("SKIPPED: tests/json-rpc-libraries/setup.sh has not installed vscode-jsonrpc")
            return
        folder = self.root / "typescript"
        folder.mkdir(exist_ok=True)
        (folder / "node_modules").symlink_to(JSONRPC)
        mine = f"const accessToken = {token()!r}, chatgptAccountId = 'ws-ada', myNewToken = async () => accessToken;\n"
        # Nothing in it needs a compiler.
        (folder / "host.mjs").write_text(mine + self.block("ts") + "server.dispose(); child.stdin.end();\n")
        with support.dev_backend(self.program, env=self.variables) as backend:
            printed = support.run(["node", "host.mjs"], cwd=folder, env=self.at(backend)).stdout
        self.assertIn("usedPercent", printed)

    def test_the_lines_for_a_shell(self) -> None:
        """What builds is the gate itself; the rest runs here, with a browser whose user agrees."""
        put_browser_in(self.program.parent)
        lines = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
        commands = [shlex.split(line, comments=True) for line in lines]
        with support.dev_backend(self.program, env=self.variables) as issuer:
            variables = {**self.at(issuer), "CODEX_APP_SERVER_LOGIN_ISSUER": issuer, "DISPLAY": ":0"}
            for words in commands:
                if words[:2] in (["byokey", "run"], ["byokey", "gateway"]):
                    # One needs codex, the other stays: tests/tests/run and gateway_serves run them.
                    support.run([*words[:2], "--help"], env=variables)
                elif words and words[0] == "byokey":
                    support.run(words, env=variables)
                elif words and words[0].startswith(("./", "release/")):
                    self.assertTrue(os.access(ROOT / words[0], os.X_OK), words)
                else:
                    self.assertIn(words[:1], ([], ["cargo"]), words)
        ran = [words[1] for words in commands if words and words[0] == "byokey"]
        self.assertLessEqual({"login", "status", "app-server", "logout"}, set(ran))

    def test_a_new_user_is_signed_in_within_a_minute(self) -> None:
        """From the archive and this page alone: the first lines of the section that it leads to."""
        (link,) = re.findall(r"\[Try it offline\]\((docs/\S+)#try-it-offline\)", README)
        _, section = (ROOT / link).read_text().split("\n## Try it offline\n")
        lines = re.search(r"(?ms)^```sh\n(.*?)^```$", section)[1]

        def attempt() -> None:
            with support.folder() as home:
                bin = support.unpacked(home).parent
                put_browser_in(bin)
                variables = support.environment(
                    home, PATH=f"{bin}:{os.environ['PATH']}", TMPDIR=str(home), DISPLAY=":0"
                )
                # The issuer runs until the user ends it.
                result = support.run(["sh", "-ec", f"trap 'kill $!' EXIT\n{lines}"], cwd=home, env=variables)
                self.assertIn("email: ada@example.com", result.stderr)

        support.quick_enough("the README: from the archive to signed in", attempt, limit=60)

    def test_the_lines_of_the_loopback_backend(self) -> None:
        text = (ROOT / "dev-backend/README.md").read_text()
        for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", text):
            for line in filter(None, block.splitlines()):
                words = shlex.split(line, comments=True)
                with subprocess.Popen(
                    words, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                ) as server:
                    try:
                        self.assertIn("127.0.0.1", support.address_in(server))
                    finally:
                        server.terminate()
