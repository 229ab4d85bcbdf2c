"""The wheels, installed from an index on this machine."""

from __future__ import annotations

import re
import shutil
import sys
import unittest
import zipfile
from pathlib import Path

from shipping.project import ROOT

from . import support

HAS_CLIENT = bool(list(support.DIST.glob("pypi/byokey-*.whl")))

# A host without the client: it prints the account.
HOST = """
import base64, byokey_bin, json, subprocess

part = lambda claims: base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
token = ".".join(map(part, [{"alg": "none"}, {"email": "ada@example.test"}, "made up"]))
server = subprocess.Popen([byokey_bin.path(), "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for message in [
    {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "check", "version": "0"}}},
    {"id": 2, "method": "account/login/start", "params": {
        "type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-ada"}},
    {"id": 3, "method": "account/read", "params": {}},
]:
    print(json.dumps(message), file=server.stdin, flush=True)
for message in map(json.loads, server.stdout):
    if message.get("id") == 3:
        print(message["result"]["account"]["email"])
        break
server.communicate()
"""


class PyPI(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folders = support.folder()
        cls.root = folders.__enter__()
        cls.addClassCleanup(folders.__exit__, None, None, None)
        server = support.Loopback()
        cls.addClassCleanup(server.close)
        support.python_index(server, support.DIST / "pypi")
        cls.variables = support.environment(
            cls.root,
            PIP_INDEX_URL=f"{server.address}/simple/",
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PIP_NO_CACHE_DIR="1",
            UV_INDEX_URL=f"{server.address}/simple/",
            UV_NO_CACHE="1",
        )

    def venv(self, name: str) -> Path:
        """An environment, into which the pip that runs this installs: to give it one takes seconds."""
        support.run([sys.executable, "-m", "venv", "--clear", "--without-pip", self.root / name])
        return self.root / name / "bin"

    def install(self, package: str, bin: Path) -> None:
        """`pip install PACKAGE`."""
        pip = [sys.executable, "-m", "pip", "--python", bin / "python"]
        support.run([*pip, "install", "--quiet", package], env=self.variables)

    def test_from_nothing_to_a_printed_account(self) -> None:
        def attempt() -> None:
            self.venv("host")
            self.install("byokey-bin", bin)
            printed = support.run([bin / "python", "-c", HOST], env=self.variables).stdout
            self.assertEqual(printed.strip(), "ada@example.test")

        bin = self.root / "host/bin"
        support.quick_enough("pip install to a printed account", attempt)
        support.version_line([bin / "byokey"], env=self.variables)
        support.version_line([bin / "byokey-bin"], env=self.variables)
        support.version_line([bin / "python", "-m", "byokey_bin"], env=self.variables)
        support.handshake([bin / "byokey"], env=self.variables)
        self.assertNotIn("✗", support.run([bin / "byokey", "demo"], env=self.variables).stdout)

    def test_the_path_is_found_however_it_was_installed(self) -> None:
        for option in ["--target", "--prefix"]:
            place = self.root / option.strip("-")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-script-location", option, place]
            support.run([*pip, "byokey-bin"], env=self.variables)
            (package,) = place.rglob("byokey_bin")
            variables = {**self.variables, "PYTHONPATH": str(package.parent)}
            code = "import byokey_bin; print(byokey_bin.path())"
            found = Path(support.run([sys.executable, "-c", code], env=variables).stdout.strip())
            self.assertTrue(found.is_relative_to(place), found)
            support.version_line([found], env=variables)

    @unittest.skipUnless(HAS_CLIENT, "dist/ has no client for PyPI")
    def test_the_client_brings_the_program(self) -> None:
        bin = self.venv("client")
        self.install("byokey", bin)
        readme = (ROOT / "clients/python/README.md").read_text()
        quick_start = re.search(r"## Quick start.*?```python\n(.*?)```", readme, re.DOTALL)[1]
        script = self.root / "quick_start.py"
        script.write_text(quick_start)
        # Nothing named byokey is on the search path.
        variables = {**self.variables, "PATH": "/usr/bin:/bin"}
        with support.dev_backend(bin / "byokey", env=self.variables) as backend:
            at = ["-c", f"chatgpt_base_url={backend}/backend-api"]
            printed = support.run([bin / "python", script, *at], env=variables).stdout
        self.assertIn("ada@example.test", printed)

    @unittest.skipUnless(HAS_CLIENT, "dist/ has no client for PyPI")
    def test_the_client_can_be_installed_where_no_program_is(self) -> None:
        (path,) = support.DIST.glob("pypi/byokey-*.whl")
        with zipfile.ZipFile(path) as file:
            (name,) = [name for name in file.namelist() if name.endswith("/METADATA")]
            text = file.read(name).decode()
        needs = re.findall(r"(?m)^Requires-Dist: (.*)$", text)
        self.assertTrue(needs)
        for each in needs:
            self.assertRegex(each, r"^byokey-bin==\S+ *; .*sys_platform.*platform_machine")

    def test_uvx_runs_it(self) -> None:
        uvx = shutil.which("uvx") or next(map(str, ROOT.glob(".cache/release/uv/bin/uvx")), None)
        if uvx is None:
            print("SKIPPED: uvx is not installed")
            return
        support.version_line([uvx, "--python", sys.executable, "byokey-bin"], env=self.variables)
