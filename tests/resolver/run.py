#!/usr/bin/env python3
"""Tests name resolution of the program with all common configurations of a machine.

    unshare --net --mount tests/resolver/run.py PROGRAM

In namespaces of its own, this is the machine: its resolv.conf and hosts, its name servers and its
backend are here, on loopback addresses. The name is resolved if the program connects to the backend's
address; the connection is then closed, so the call fails in any case. Nothing leaves the machine.
"""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

# Timeout for the program to connect or to give up.
PATIENCE = 25
PORT = 8443
NAME, SEARCHED = "backend.corp.test", "backend"
TOKENS = pathlib.Path(__file__).resolve().parents[2] / "clients" / "suite" / "tokens.json"
A, AAAA = 1, 28


# --- Name servers.


class NameServer:
    """Answers on an address over UDP and TCP from a list of records: (name, type) to addresses."""

    def __init__(self, address, records, *, truncates=False, silent=False):
        self.records, self.truncates, self.silent = records, truncates, silent
        self.asked, self.over_tcp = [], 0
        self.sockets = [socket.socket(socket.AF_INET, kind)
                        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
        for each in self.sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((address, 53))
        self.sockets[1].listen()
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.sockets[0].recvfrom(4096)
                if not query:
                    return
                if not self.silent:
                    self.sockets[0].sendto(self.answer(query, self.truncates), peer)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.sockets[1].accept()
                with connection:
                    # There may be one query per address type.
                    while head := connection.recv(2, socket.MSG_WAITALL):
                        length = struct.unpack("!H", head)[0]
                        answer = self.answer(connection.recv(length, socket.MSG_WAITALL), False)
                        self.over_tcp += 1
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def answer(self, query, truncated):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12 : at + 5]
        kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        found = [] if truncated else self.records.get((name, kind), [])
        known = any(each == name for each, _ in self.records)
        flags = 0x8580 | (0x0200 if truncated else 0) | (0 if known else 3)
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        body = b""
        for address in found:
            data = socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address)
            body += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
        return head + question + body

    def close(self):
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


# --- The backend: records connections.


class Backend:
    def __init__(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, PORT))
        self.socket.listen()
        self.connected = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connected.set()
                connection.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


# --- The program.


def call(program, name):
    """Logs in and asks for the limits; returns the answer and the seconds that it took."""
    token = json.loads(TOKENS.read_text())["ada"]
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [program, "app-server", "-c", f'chatgpt_base_url="https://{name}:{PORT}/backend-api"'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": home, "PATH": os.environ["PATH"]},
        )
        try:
            watchdog = threading.Timer(PATIENCE, process.kill)
            watchdog.start()
            client = {"name": "resolver", "version": "0"}
            login = {"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-ada"}
            requests = [("initialize", {"clientInfo": client}), ("account/login/start", login),
                        ("account/rateLimits/read", None)]
            began = time.monotonic()
            for number, (method, params) in enumerate(requests, 1):
                request = {"id": number, "method": method}
                request |= {"params": params} if params else {}
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    answer = json.loads(line)
                    if answer.get("id") == number:
                        break
                else:
                    return None, time.monotonic() - began
            return answer, time.monotonic() - began
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()


# --- The machine.


def mount(text, place):
    """Replaces the content of a file, for this namespace only."""
    file = tempfile.NamedTemporaryFile("w", delete=False)
    file.write(text)
    file.close()
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, os.path.realpath(place)], check=True)
    return file.name


V4 = {(NAME, A): ["127.0.0.9"], (NAME, AAAA): []}
V6 = {(NAME, A): [], (NAME, AAAA): ["::1"]}
LOOPBACK = "127.0.0.1 localhost\n::1 localhost\n"
ONE = "nameserver 127.0.0.53\n"

# The case, resolv.conf, hosts, name servers by address, the name, the address of the backend (none:
# it cannot be resolved), and further conditions on the servers.
CASES = [
    ("one name server", ONE, LOOPBACK, {"127.0.0.53": dict(records=V4)}, NAME, "127.0.0.9", None),
    ("a search domain", f"search other.test corp.test\n{ONE}", LOOPBACK,
     {"127.0.0.53": dict(records=V4)}, SEARCHED, "127.0.0.9", None),
    ("several name servers, the first silent", f"nameserver 127.0.0.52\n{ONE}", LOOPBACK,
     {"127.0.0.52": dict(records=V4, silent=True), "127.0.0.53": dict(records=V4)},
     NAME, "127.0.0.9", None),
    ("several name servers, the first absent", f"nameserver 127.0.0.51\n{ONE}", LOOPBACK,
     {"127.0.0.53": dict(records=V4)}, NAME, "127.0.0.9", None),
    ("a truncated answer, whole over TCP", ONE, LOOPBACK,
     {"127.0.0.53": dict(records=V4, truncates=True)}, NAME, "127.0.0.9",
     lambda servers: servers["127.0.0.53"].over_tcp > 0),
    ("many addresses", ONE, LOOPBACK,
     {"127.0.0.53": dict(records={(NAME, A): ["127.0.0.9"] * 25, (NAME, AAAA): []})},
     NAME, "127.0.0.9", None),
    ("IPv6 only", ONE, LOOPBACK, {"127.0.0.53": dict(records=V6)}, NAME, "::1", None),
    ("hosts, before any name server", ONE, f"{LOOPBACK}127.0.0.9 other {NAME}\n",
     {"127.0.0.53": dict(records={(NAME, A): ["127.0.0.8"]})}, NAME, "127.0.0.9",
     lambda servers: not servers["127.0.0.53"].asked),
    ("hosts, without any name server", "", f"{LOOPBACK}127.0.0.9 {NAME}\n", {}, NAME, "127.0.0.9",
     None),
    ("a name that does not exist", ONE, LOOPBACK, {"127.0.0.53": dict(records={})}, NAME, None,
     None),
    ("no name server at all", "", LOOPBACK, {}, NAME, None, None),
]


def run(program, case):
    """Returns the problem, if any."""
    _, resolv, hosts, servers, name, address, also = case
    files = [mount(resolv, "/etc/resolv.conf"), mount(hosts, "/etc/hosts")]
    running = {where: NameServer(where, **options) for where, options in servers.items()}
    backend = Backend(address or "127.0.0.9")
    try:
        answer, took = call(program, name)
        connected = backend.connected.is_set()
        if answer is None:
            return f"no answer in {PATIENCE} s"
        if "error" not in answer:
            return "the call did not fail, although there is no backend"
        if connected != (address is not None):
            return f"{'connected' if connected else 'not connected'}: {json.dumps(answer['error'])}"
        if also and not also(running):
            return "resolved in another way than expected"
        print(f"ok: {case[0]} ({took:.1f} s): {answer['error'].get('message')}", flush=True)
        return None
    finally:
        backend.close()
        for server in running.values():
            server.close()
        for place, file in zip(("/etc/resolv.conf", "/etc/hosts"), files):
            subprocess.run(["umount", os.path.realpath(place)], check=True)
            os.unlink(file)


def main():
    program = sys.argv[1]
    # This machine's own files must not change.
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    failed = 0
    for case in CASES:
        wrong = run(program, case)
        if wrong:
            print(f"FAILED: {case[0]}: {wrong}", flush=True)
            failed += 1
    print(f"{len(CASES)} ways, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
