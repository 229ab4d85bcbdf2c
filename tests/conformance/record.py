#!/usr/bin/env python3
"""Records the messages of a real `codex app-server`, scenario by scenario.

Runs every file of scenarios/ against the given codex binary, with a stub
backend on loopback, and writes recorded/<version>/<scenario>.json.
The README next to this file describes the formats.
"""

import argparse
import concurrent.futures
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from stub_backend import Backend, Tokens, certificates

HERE = pathlib.Path(__file__).resolve().parent
SCENARIO_SECONDS = 20.0
EXIT_SECONDS = 5.0
SETTLE_SECONDS = 0.25


# ------------------------------------------------------------------ one run


class Stuck(Exception):
    pass


class Run:
    """One scenario against one fresh app-server."""

    def __init__(self, binary, scenario):
        self.scenario, self.tokens, self.backend = scenario, Tokens(), Backend()
        self.binary, self.origin = binary, None
        self.home = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="conformance-")))
        self.exchange, self.lock, self.arrived = [], threading.Lock(), threading.Condition()
        self.server_messages, self.used, self.closed = [], set(), False
        self.last_traffic = time.monotonic()
        self.deadline = time.monotonic() + float(scenario.get("timeoutSeconds", SCENARIO_SECONDS))

    def fill(self, value):
        """Replaces $jwt, $from, $BACKEND and $ORIGIN."""
        if isinstance(value, dict):
            if set(value) == {"$jwt"}:
                return self.tokens.build(value["$jwt"])
            if set(value) == {"$from"}:
                found = self.find(lambda m: "method" not in m and m.get("id") == value["$from"]["response"], False)
                for step in value["$from"]["path"]:
                    found = (found["result"] if found is not None and "result" in found else found)[step]
                return found
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if isinstance(value, str):
            return value.replace("$BACKEND", f"http://127.0.0.1:{self.backend.port}").replace("$ORIGIN", self.origin or "$ORIGIN")
        return value

    def start(self):
        for name in ("work", "user", "tmp", "bin"):
            (self.home / name).mkdir()
        if "$ORIGIN" in json.dumps(self.scenario):
            authority = self.home / "user" / "authority"
            authority.mkdir()
            certificates(authority, ["IP:127.0.0.1"])
            self.origin = f"https://127.0.0.1:{self.backend.listen_encrypted(authority)}"
        (self.home / "config.toml").write_text(self.fill(self.scenario["config"]))
        self.backend.load(self.fill(self.scenario.get("backend", {})))
        # codex warns without bubblewrap. The scenarios run no commands, so an empty replacement
        # suffices.
        stand_in = self.home / "bin" / "bwrap"
        stand_in.write_text("#!/bin/sh\nexit 0\n")
        stand_in.chmod(0o755)
        environment = {
            "PATH": f"{self.home}/bin:/usr/bin:/bin", "HOME": f"{self.home}/user", "CODEX_HOME": str(self.home),
            "TMPDIR": f"{self.home}/tmp", "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "RUST_LOG": "warn",
        }
        if self.origin:
            environment["CODEX_CA_CERTIFICATE"] = str(authority / "ca.pem")
        self.stderr = open(self.home / "stderr.txt", "wb")
        self.child = subprocess.Popen([self.binary, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.stderr, cwd=self.home / "work", env=environment)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = {"unreadable": line.decode(errors="replace")}
            with self.arrived:
                self.exchange.append({"server": message})
                self.server_messages.append(message)
                self.last_traffic = time.monotonic()
                self.arrived.notify_all()
        with self.arrived:
            self.closed = True
            self.arrived.notify_all()

    def find(self, wanted, consume):
        for index, message in enumerate(self.server_messages):
            if index not in self.used and wanted(message):
                if consume:
                    self.used.add(index)
                return message
        return None

    def wait_for(self, wanted, what):
        with self.arrived:
            while True:
                # A response may be referenced again by $from, so only the others are consumed.
                found = self.find(wanted, what[0] != "response")
                if found is not None:
                    return found
                left = self.deadline - time.monotonic()
                if left <= 0 or self.closed:
                    raise Stuck(f"{'server closed' if self.closed else 'timed out'} while waiting for {what}")
                self.arrived.wait(left)

    def settle(self, seconds=SETTLE_SECONDS):
        """Waits until the server has been silent for a while."""
        with self.arrived:
            while not self.closed:
                left = self.last_traffic + seconds - time.monotonic()
                if left <= 0 or time.monotonic() > self.deadline:
                    return
                self.arrived.wait(left)

    def send(self, message, at_once=False):
        if not at_once:
            self.settle()
        message = self.fill(message)
        with self.arrived:
            self.exchange.append({"client": message})
            self.last_traffic = time.monotonic()
        self.child.stdin.write((json.dumps(message) + "\n").encode())
        self.child.stdin.flush()

    def step(self, step):
        if "send" in step:
            self.send(step["send"], step.get("atOnce", False))
        elif "quiet" in step:
            time.sleep(step["quiet"] / 1000)
        elif "close" in step:
            self.settle()
            self.child.stdin.close()
        elif "response" in step["await"]:
            number = step["await"]["response"]
            self.wait_for(lambda m: "method" not in m and m.get("id") == number, ("response", number))
        elif "notification" in step["await"]:
            method = step["await"]["notification"]
            self.wait_for(lambda m: m.get("method") == method and "id" not in m, ("notification", method))
        else:
            method = step["await"]["request"]
            request = self.wait_for(lambda m: m.get("method") == method and "id" in m, ("request", method))
            if "answer" in step["await"]:
                self.send({"id": request["id"], **step["await"]["answer"]}, at_once=True)

    def run(self):
        """Returns (exchange, exit code or None, problem or None)."""
        problem = code = None
        try:
            self.start()
            for step in self.scenario["steps"]:
                self.step(step)
            self.settle(0.5)
            if not self.child.stdin.closed:
                self.child.stdin.close()
        except (Stuck, BrokenPipeError, KeyError, TypeError) as error:
            problem = repr(error)
        finally:
            try:
                code = self.child.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
            self.backend.close()
            self.stderr.close()
            if problem:
                problem += "\n" + (self.home / "stderr.txt").read_text(errors="replace")[-3000:]
        return code, problem


# ------------------------------------------------------------- normalisation

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMES = {"emittedAtMs", "createdAt", "updatedAt", "startedAt", "completedAt", "startedAtMs", "completedAtMs", "recencyAt"}
DURATIONS = {"durationMs"}
HOST_NAMES = {"serverName"}
HASH_MAPS = {"rateLimitsByLimitId"}


def is_event(entry):
    """The internal event stream that old versions also send. Its order relative to other messages varies."""
    return entry.get("server", {}).get("method", "").startswith("codex/event/")


def is_unordered(entry):
    """Messages whose position varies from run to run."""
    return entry.get("server", {}).get("method", "") == "warning"


class Normaliser:
    def __init__(self, run):
        self.run, self.uuids = run, {}

    def text(self, value):
        # A scenario may use fixed uuids of its own, which stay.
        def name(match):
            found = match.group(0)
            if found in self.run.fixed_uuids:
                return found
            return self.uuids.setdefault(found, f"<uuid:{len(self.uuids) + 1}>")

        for token, label in self.run.tokens.labels.items():
            value = value.replace(token, f"<jwt:{label}>")
        value = value.replace(str(self.run.home), "<home>")
        value = value.replace(self.run.origin or "<origin>", "<origin>")
        value = value.replace(f"http://127.0.0.1:{self.run.backend.port}", "<backend>")
        value = value.replace(f"127.0.0.1:{self.run.backend.port}", "<backend-address>")
        value = re.sub(r"/sessions/\d{4}/\d\d/\d\d/rollout-[0-9T-]{19}-", "/sessions/<date>/rollout-<time>-", value)
        value = re.sub(r"\b(code_challenge|state)=[A-Za-z0-9_-]+", r"\1=<random>", value)
        value = UUID.sub(name, value)
        value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>", value)
        return re.sub(r"^([^ ()/]+/\d+\.\d+\.\d+\S*) \([^)]*; [^)]*\) \S+", r"\1 (<platform>) <platform>", value)

    def value(self, value, key=None):
        if isinstance(value, dict):
            # The order of a map that codex iterates by hash changes from run to run.
            members = sorted(value.items()) if key in HASH_MAPS else value.items()
            return {name: self.value(inner, name) for name, inner in members}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if isinstance(value, str):
            return "<host>" if key in HOST_NAMES else self.text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if key in TIMES:
                return "<time>"
            if key in DURATIONS:
                return "<duration>"
        return value


def uuids_in(scenario):
    return set(UUID.findall(json.dumps(scenario)))


def record(binary, version, name, scenario):
    run = Run(binary, scenario)
    run.fixed_uuids = uuids_in(scenario)
    try:
        code, problem = run.run()
        normaliser = Normaliser(run)
        result = {
            "scenario": name, "codex": version,
            "note": "Recorded from codex. All tokens, keys and accounts are made up.",
            "exchange": normaliser.value([entry for entry in run.exchange if not (is_event(entry) or is_unordered(entry))]),
            "unordered": sorted(normaliser.value([entry for entry in run.exchange if is_unordered(entry)]), key=json.dumps),
            "codexEvents": sorted({entry["server"]["method"] for entry in run.exchange if is_event(entry)}),
            "backend": normaliser.value(sorted(run.backend.requests, key=lambda request: request.get("at", ""))),
            "background": sorted(normaliser.value(list(run.backend.background))),
            "exit": code,
        }
        return result, problem
    finally:
        shutil.rmtree(run.home, ignore_errors=True)


def layout(result):
    """One message per line, so that a diff shows messages."""
    lines = ["{"]
    members = list(result.items())
    for index, (key, value) in enumerate(members):
        comma = "," if index + 1 < len(members) else ""
        if isinstance(value, list) and value:
            lines.append(f"  {json.dumps(key)}: [")
            inner = [f"    {json.dumps(item, ensure_ascii=False)}" for item in value]
            lines.append(",\n".join(inner))
            lines.append(f"  ]{comma}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}{comma}")
    return "\n".join(lines + ["}"]) + "\n"


def numbers(version):
    """Returns the numbers of a version, without a suffix such as `-alpha.2`."""
    return [int(part) for part in version.split("-")[0].split(".")]


# ------------------------------------------------------------------ loopback


def only_loopback():
    """Restarts this script in a network namespace with loopback only."""
    if "CONFORMANCE_INSIDE" not in os.environ:
        unshare = shutil.which("unshare")
        if unshare and subprocess.run([unshare, "-rn", "true"], capture_output=True).returncode == 0:
            environment = dict(os.environ, CONFORMANCE_INSIDE="1")
            os.execve(unshare, [unshare, "-rn", sys.executable, *sys.argv], environment)
        print("no network namespace available: recording without one", file=sys.stderr)
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, 0x8913, request))[1]
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", flags | 1))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--codex", required=True, help="path of the native codex binary")
    options.add_argument("--version", required=True, help="its version, names the folder under recorded/")
    options.add_argument("--only", action="append", help="record only this scenario (may be given again)")
    options.add_argument("--out", type=pathlib.Path, default=HERE / "recorded", help="another folder to write to")
    options.add_argument("--jobs", type=int, default=4, help="scenarios at a time (default 4, they mostly wait)")
    options.add_argument("--stderr", action="store_true", help="print the stderr of codex when a scenario gets stuck")
    options = options.parse_args()
    only_loopback()
    said = subprocess.run([options.codex, "--version"], capture_output=True, text=True).stdout.split()
    if options.version not in said:
        raise SystemExit(f"this codex says {' '.join(said)!r}, not version {options.version}")
    folder = options.out / options.version
    folder.mkdir(parents=True, exist_ok=True)
    stuck = []

    def one(path):
        scenario = json.loads(path.read_text())
        if numbers(options.version) < numbers(scenario.get("since", "0")):
            return
        if "$ORIGIN" in json.dumps(scenario) and not shutil.which("openssl"):
            print(f"SKIPPED {path.stem}: there is no openssl for the certificate of its origin", flush=True)
            return
        started = time.monotonic()
        result, problem = record(os.path.abspath(options.codex), options.version, path.stem, scenario)
        if problem:
            stuck.append(path.stem)
            print(f"STUCK {path.stem}: {problem if options.stderr else problem.splitlines()[0]}", flush=True)
            if options.stderr:
                print(layout(result), flush=True)
            return
        (folder / path.name).write_text(layout(result))
        print(f"ok {path.stem} {time.monotonic() - started:.1f}s, {len(result['exchange'])} messages", flush=True)

    paths = [path for path in sorted((HERE / "scenarios").glob("*.json")) if not options.only or path.stem in options.only]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, paths))
    sys.exit(1 if stuck else 0)


if __name__ == "__main__":
    main()
