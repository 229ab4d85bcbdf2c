"""The programs of the tests: the real server, its backend, and small fake servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from byokey import ClientInfo

HOST = ClientInfo(name="python-client-tests", version="1.0")


def byokey() -> str:
    """The real server."""
    found = os.environ.get("BYOKEY_RELEASE_BIN") or os.environ.get("BYOKEY_BIN")
    if not found:
        raise RuntimeError("set BYOKEY_RELEASE_BIN to the byokey program, as ./test.sh does")
    return found


def codex() -> str:
    """The real codex: `CODEX_BIN`, or that of tests/codex/setup.sh. Empty without one."""
    installed = Path(__file__).resolve().parents[3] / ".cache" / "codex" / "codex"
    found = os.environ.get("CODEX_BIN") or str(installed)
    return found if Path(found).exists() else ""


@contextmanager
def dev_backend(script: dict[str, Any]) -> Iterator[list[str]]:
    """A loopback backend. Yields the server's arguments for it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.json"
        file.write_text(json.dumps(script))
        backend = subprocess.Popen(
            [byokey(), "dev-backend", "--script", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert backend.stdout
            backend.stdout.readline()
            program, *arguments = backend.stdout.readline().split()
            assert program == "byokey", program
            yield arguments
        finally:
            backend.kill()
            backend.communicate()


def backend_url(arguments: list[str]) -> str:
    """Returns the address of the backend that these arguments of the server name."""
    setting = "openai_base_url="
    named = next(argument for argument in arguments if argument.startswith(setting))
    return named[len(setting) :].removesuffix("/v1")


def made_up_server(*lines: str) -> dict[str, Any]:
    """Returns the options of `spawn` for a fake server that runs these lines after the handshake.

    They may use `ask()`, the next message of the client, and `send(message)`.
    """
    program = "\n".join((_MADE_UP, *lines))
    return {"command": sys.executable, "args": ["-c", program]}


_MADE_UP = """
import json, os, signal, sys, time
def ask():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)
def send(**message):
    print(json.dumps(message), flush=True)
send(id=ask()["id"], result={
    "userAgent": "u", "codexHome": "h", "platformFamily": "unix", "platformOs": "linux",
    "serverInfo": {"name": "byokey", "version": "0", "protocolVersion": "1"},
    "hardening": {"dumpable": None, "coreLimit": None, "wipingAllocator": True,
                  "noNewPrivileges": None, "filesReadOnly": True}})
ask()
"""
