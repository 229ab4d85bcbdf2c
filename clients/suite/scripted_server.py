"""A server that follows the `server` list of a transcript: scripted_server.py FILE REPORT.

It writes one JSON text per line, as `byokey app-server` does for the clients. The handshake comes
first and is not part of the list. A deviation is written to REPORT, else `ok`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TOKENS = json.loads((Path(__file__).parent / "tokens.json").read_text())

HANDSHAKE = {
    "userAgent": "scripted/0.169.0 (test) byokey/0.0.0",
    "codexHome": "/nowhere",
    "platformFamily": "unix",
    "platformOs": "linux",
    "serverInfo": {"name": "byokey", "version": "0.0.0", "protocolVersion": "1"},
    "hardening": {
        "dumpable": False,
        "coreLimit": 0,
        "wipingAllocator": True,
        "noNewPrivileges": True,
        "filesReadOnly": True,
    },
}


class Differs(Exception):
    """The client deviated."""


def filled(value: Any, ids: dict[str, Any]) -> Any:
    """`value` with tokens for `$name` and ids for `#name`, which also stand between spaces in a text."""
    if isinstance(value, dict):
        return {key: filled(member, ids) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(element, ids) for element in value]
    if isinstance(value, str) and value[:1] == "$" and value[1:] in TOKENS:
        return TOKENS[value[1:]]
    if isinstance(value, str) and " $" in value:
        return " ".join(filled(word, {}) for word in value.split(" "))
    if isinstance(value, str) and value[:1] == "#" and value[1:] in ids:
        return ids[value[1:]]
    return value


def has(actual: Any, wanted: Any) -> bool:
    """Returns whether `actual` contains all members of `wanted`; objects may have more."""
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


class Server:
    """One run of a script."""

    def __init__(self, script: dict[str, Any], run: int) -> None:
        # A restarted server uses the next list.
        lists: list[list[dict[str, Any]]] = script.get("servers", [script.get("server", [])])
        self.steps = lists[min(run, len(lists) - 1)]
        self.startup: list[dict[str, Any]] = script.get("startup", [])
        self.handshake: dict[str, Any] | None = script.get("initialize", HANDSHAKE)
        self.ids: dict[str, Any] = {}
        self.asked = 0

    def run(self) -> None:
        for step in self.startup:
            self.step(step)
        first = self.receive()
        self.check(first.get("method") == "initialize", "the first request is not `initialize`")
        params = first.get("params", {})
        info = params.get("clientInfo", {})
        self.check({"name", "version"} <= info.keys(), "`clientInfo` has no name or version")
        self.check(params.get("processId") == os.getppid(), "`processId` is not that of the host")
        if self.handshake is not None:
            self.send({"id": first["id"], "result": self.handshake})
            self.check(
                self.receive().get("method") == "initialized",
                "`initialized` does not end the handshake",
            )
        for number, step in enumerate(self.steps, 1):
            try:
                self.step(step)
            except Differs as difference:
                raise Differs(f"server step {number}: {difference}") from None
        while line := sys.stdin.buffer.readline():
            self.parse(line)

    def step(self, step: dict[str, Any]) -> None:
        kind = next(iter(step))
        wanted = filled(step, self.ids)
        if kind == "expect":
            message = self.receive()
            self.check(message.get("method") == step["expect"], f"`{message.get('method')}` came")
            self.check("id" in message, "it is no request")
            self.check(has(message.get("params", {}), wanted.get("params", {})), "its params differ")
            self.ids[step["as"]] = message["id"]
        elif kind == "expectNotification":
            message = self.receive()
            self.check(message.get("method") == step[kind], f"`{message.get('method')}` came")
            self.check("id" not in message, "it is a request")
            self.check(has(message.get("params", {}), wanted.get("params", {})), "its params differ")
        elif kind == "result":
            self.send({"id": self.ids[step["result"]], "result": wanted["is"]})
        elif kind == "error":
            self.send({"id": self.ids[step["error"]], "error": wanted["is"]})
        elif kind == "notify":
            message = {"method": step["notify"], "params": wanted.get("params", {})}
            self.send(message | step.get("with", {}))
        elif kind == "ask":
            self.asked += 1
            number = self.ids[step["as"]] = step.get("id", self.asked)
            self.send({"id": number, "method": step["ask"], "params": wanted.get("params", {})})
        elif kind == "answered":
            message = self.receive()
            self.check(message.get("id") == self.ids[step["answered"]], "another message came")
            self.check(has(message.get("result"), wanted.get("result", {})), "the answer differs")
        elif kind == "refused":
            message = self.receive()
            self.check(message.get("id") == self.ids[step["refused"]], "another message came")
            error = message.get("error", {})
            self.check(error.get("code") == step["code"], f"the code is {error.get('code')}")
            if "without" in step:
                self.check(step["without"] not in json.dumps(message), "it tells too much")
        elif kind == "raw":
            sys.stdout.buffer.write(step["raw"].encode("latin-1"))
            sys.stdout.buffer.flush()
        elif kind == "log":
            sys.stderr.write(wanted["log"] + "\n")
            sys.stderr.flush()
        elif kind == "pause":
            time.sleep(step["pause"] / 1000)
        elif kind == "exit":
            report("ok")
            sys.exit(step["exit"])
        else:
            raise Differs(f"no such step: {kind}")

    def receive(self) -> dict[str, Any]:
        line = sys.stdin.buffer.readline()
        if not line:
            raise Differs("the client closed")
        return self.parse(line)

    def parse(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except ValueError:
            raise Differs("a line is not JSON") from None
        self.check(isinstance(message, dict), "a message is no object")
        return message

    def send(self, message: dict[str, Any]) -> None:
        sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
        sys.stdout.buffer.flush()

    def check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise Differs(otherwise)


def report(verdict: str) -> None:
    """What went wrong in one run is not forgotten in the next."""
    path = Path(sys.argv[2])
    if not path.exists() or path.read_text() == "ok":
        path.write_text(verdict)


def count_runs() -> int:
    """How many servers there were before, of the same exchange."""
    runs = Path(sys.argv[2] + ".runs")
    before = runs.stat().st_size if runs.exists() else 0
    with runs.open("a") as file:
        file.write("x")
    return before


def main() -> None:
    script = json.loads(Path(sys.argv[1]).read_text())
    try:
        Server(script, count_runs()).run()
    except Differs as difference:
        report(str(difference))
        sys.exit(1)
    except BrokenPipeError:
        report("the client stopped reading")
        sys.exit(1)
    report("ok")


if __name__ == "__main__":
    main()
