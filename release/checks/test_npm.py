"""The packages for npm, installed from a registry on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from shipping.project import ROOT

from . import support

# A host without a client library: it prints the account.
HOST = """
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { path } from "byokey";

const part = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const accessToken = `${part({ alg: "none" })}.${part({ email: "ada@example.test" })}.${part("made up")}`;
const server = spawn(path, ["app-server"], { stdio: ["pipe", "pipe", "inherit"] });
const send = (message) => server.stdin.write(JSON.stringify(message) + "\\n");
send({ id: 1, method: "initialize", params: { clientInfo: { name: "check", version: "0" } } });
send({ id: 2, method: "account/login/start", params: { type: "chatgptAuthTokens", accessToken, chatgptAccountId: "ws-ada" } });
send({ id: 3, method: "account/read", params: {} });
for await (const line of createInterface({ input: server.stdout })) {
  const message = JSON.parse(line);
  if (message.id === 3) {
    console.log(message.result.account.email);
    server.stdin.end();
  }
}
"""


def nodes() -> list[Path]:
    """The node of this machine, and the newer one that release/setup.sh installed."""
    found = [Path(path) for path in [shutil.which("node")] if path]
    return found + sorted(ROOT.glob(".cache/release/node*/bin/node"))


class Npm(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if not shutil.which("npm") or not nodes():
            raise unittest.SkipTest("there is no npm")
        cls.folders = support.folder()
        cls.root = cls.folders.__enter__()
        cls.addClassCleanup(cls.folders.__exit__, None, None, None)
        server = support.Loopback()
        cls.addClassCleanup(server.close)
        support.npm_registry(server, support.DIST / "npm")
        settings = {
            "npm_config_registry": server.address,
            "npm_config_cache": str(cls.root / "cache"),
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
        }
        cls.variables = support.environment(cls.root, **settings)
        cls.project = cls.root / "project"
        cls.project.mkdir()
        (cls.project / "package.json").write_text('{"private": true, "type": "module"}')
        (cls.project / "host.mjs").write_text(HOST)

    def test_from_nothing_to_a_printed_account(self) -> None:
        def attempt() -> None:
            shutil.rmtree(self.project / "node_modules", ignore_errors=True)
            shutil.rmtree(self.root / "cache", ignore_errors=True)
            self.installed()
            printed = support.run(["node", "host.mjs"], cwd=self.project, env=self.variables).stdout
            self.assertEqual(printed.strip(), "ada@example.test")

        support.quick_enough("npm install to a printed account", attempt)

    def test_npx_runs_it(self) -> None:
        self.installed()
        options = {"cwd": self.project, "env": self.variables}
        support.version_line(["npx", "--no-install", "byokey"], **options)
        support.handshake(["npx", "--no-install", "byokey"], **options)
        self.assertNotIn("✗", support.run(["npx", "--no-install", "byokey", "demo"], **options).stdout)
        # Without anything installed.
        empty = self.root / "empty"
        empty.mkdir(exist_ok=True)
        support.version_line(["npx", "--yes", "byokey"], cwd=empty, env=self.variables)

    def test_no_script_runs_during_the_installation(self) -> None:
        for path in support.DIST.glob("npm/*.tgz"):
            manifest = json.loads(support.run(["tar", "-xOzf", path, "package/package.json"]).stdout)
            self.assertNotIn("scripts", manifest)
            self.assertNotIn("libc", manifest)

    def test_the_script_adds_little_and_is_gone_where_node_can_replace_itself(self) -> None:
        self.installed()
        script = self.project / "node_modules/byokey/byokey.js"
        program = self.program()
        for node in nodes():
            version = support.run([node, "--version"]).stdout.strip()

            def took(command: list[object]) -> float:
                began = time.monotonic()
                support.run([*command], env=self.variables)
                return (time.monotonic() - began) * 1000

            commands = [[program, "--version"], [node, script, "--version"], [node, "-e", "0"]]
            runs = [[took(command) for command in commands] for _ in range(9)]
            alone, wrapped, empty = map(min, zip(*runs))
            support.figure(f"node {version}: {wrapped - alone:.0f} ms more than the program; node alone takes {empty:.0f} ms")
            # The start of node itself is not ours, and this machine may be busy.
            self.assertLess(wrapped - alone, 2 * empty + 40)

            server = subprocess.Popen(
                [node, script, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.variables
            )
            ask = b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"check","version":"0"}}}\n'
            server.stdin.write(ask)
            server.stdin.flush()
            self.assertIn(b'"result"', server.stdout.readline())
            running = os.readlink(f"/proc/{server.pid}/exe")
            replaced = support.run([node, "-p", "typeof process.execve"]).stdout.strip() == "function"
            self.assertEqual(Path(running).name == "byokey", replaced, running)
            _, _ = server.communicate()
            self.assertEqual(server.returncode, 0)

    def test_exit_codes_and_signals_pass_through(self) -> None:
        self.installed()
        script = self.project / "node_modules/byokey/byokey.js"
        for node in nodes():
            wrong = subprocess.run([node, script, "--no-such-option"], env=self.variables, capture_output=True)
            self.assertEqual(wrong.returncode, 2)
            backend = subprocess.Popen([node, script, "dev-backend"], env=self.variables, stdout=subprocess.PIPE, text=True)
            support.address_in(backend)
            backend.terminate()
            self.assertIn(backend.wait(support.PATIENCE), (0, -15, 143))
            backend.stdout.close()

    def test_a_missing_platform_package_is_named(self) -> None:
        self.installed()
        elsewhere = self.root / "without"
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(self.project / "node_modules/byokey", elsewhere / "node_modules/byokey")
        result = subprocess.run(
            ["node", "node_modules/byokey/byokey.js"], cwd=elsewhere, env=self.variables, capture_output=True, text=True
        )
        self.assertEqual(result.returncode, 127)
        self.assertRegex(result.stderr, r"@byokey/\S+ .*is not installed")
        self.assertIn("npm install @byokey/", result.stderr)
        other = ["node", "-e", "Object.defineProperty(process, 'arch', {value: 'mips'}); require('byokey')"]
        result = subprocess.run(other, cwd=self.project, env=self.variables, capture_output=True, text=True)
        self.assertRegex(result.stderr, r"no program for linux-mips, only for .*x64")

    def test_the_client_finds_the_program_in_the_package(self) -> None:
        if not list(support.DIST.glob("npm/byokey-client-*.tgz")):
            print("SKIPPED: dist/ has no client for npm")
            return
        self.installed()
        readme = (ROOT / "clients/typescript/README.md").read_text()
        quick_start = re.search(r"## Quick start.*?```js\n(.*?)```", readme, re.DOTALL)[1]
        (self.project / "quick-start.mjs").write_text(quick_start)
        # Nothing named byokey is on the search path.
        variables = {**self.variables, "PATH": f"{nodes()[0].parent}:/usr/bin:/bin"}
        with support.dev_backend(self.program(), env=self.variables) as backend:
            at = ["-c", f"chatgpt_base_url={backend}/backend-api"]
            printed = support.run(["node", "quick-start.mjs", *at], cwd=self.project, env=variables).stdout
        self.assertIn("ada@example.test", printed)

    def installed(self) -> None:
        """Installs what there is, once."""
        if (self.project / "node_modules").exists():
            return
        packages = ["byokey"]
        if list(support.DIST.glob("npm/byokey-client-*.tgz")):
            packages.append("@byokey/client")
        support.run(["npm", "install", *packages], cwd=self.project, env=self.variables)

    def program(self) -> str:
        """What the package exports."""
        return support.run(
            ["node", "-p", "require('byokey').path"], cwd=self.project, env=self.variables
        ).stdout.strip()
