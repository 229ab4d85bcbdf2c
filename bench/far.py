#!/usr/bin/env python3
"""Runs a command in a network namespace from which a backend in another one is so many
milliseconds away.

    bench/far.py [--delays 10,50,150] BENCH [ARGUMENT...]

Two namespaces hold one tap device each. This process reads the frames of one, waits, and writes
them to the other, so every packet is late, those of a handshake too. BENCH is started in the far
one as `BENCH far-backend`, and for each delay in the near one as `BENCH far ...`.

Exit code 3: the system does not allow it; the reason is on standard error.
"""

import collections
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
NEAR, FAR, PORT = "10.99.0.1", "10.99.0.2", "8443"
NOT_ALLOWED = 3


def refuse(why):
    print(f"bench: no far backend: {why}", file=sys.stderr)
    sys.exit(NOT_ALLOWED)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def tap(name, address):
    """Makes a tap device in the namespace of this process."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
    fcntl.ioctl(device, TUNSETIFF, request)
    run("ip", "link", "set", "lo", "up")
    # Large enough frames that one packet of a handshake is one frame.
    run("ip", "address", "add", f"{address}/24", "dev", name)
    run("ip", "link", "set", name, "up")
    return device


class Link:
    """Carries frames between two devices, each late by the same time."""

    def __init__(self, one, other):
        self.other = {one: other, other: one}
        self.late = 0.0
        self.waiting = collections.deque()

    def step(self, within):
        """Carries what is due, and waits for so long at most."""
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            _, device, frame = self.waiting.popleft()
            try:
                os.write(device, frame)
            except OSError:
                pass  # A full device loses frames, as a full cable does.
        if self.waiting:
            within = min(within, max(0.0, self.waiting[0][0] - now))
        ready, _, _ = select.select(list(self.other), [], [], within)
        for device in ready:
            for _ in range(64):
                try:
                    frame = os.read(device, 65536)
                except BlockingIOError:
                    break
                due = time.monotonic() + self.late
                self.waiting.append((due, self.other[device], frame))


def far_side(bench, pem, channel):
    """In the child: another namespace, its device, and the backend."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        channel.sendall(os.strerror(ctypes.get_errno()).encode())
        os._exit(1)
    device = tap("far", FAR)
    socket.send_fds(channel, [b"."], [device])
    os.close(device)
    os.execv(bench, [bench, "far-backend", f"{FAR}:{PORT}", pem])


def inside(delays, bench, arguments):
    if not os.path.exists("/dev/net/tun"):
        refuse("there is no /dev/net/tun")
    folder = tempfile.TemporaryDirectory(prefix="byokey-far")
    pem = os.path.join(folder.name, "ca.pem")
    try:
        near = tap("near", NEAR)
    except (OSError, subprocess.CalledProcessError) as error:
        refuse(f"no tap device: {error}")
    ours, theirs = socket.socketpair()
    backend = os.fork()
    if backend == 0:
        ours.close()
        try:
            far_side(bench, pem, theirs)
        finally:
            os._exit(1)
    theirs.close()
    said, devices, _, _ = socket.recv_fds(ours, 256, 1)
    if not devices:
        refuse(f"no second namespace: {said.decode()}")
    code = 0
    try:
        link = Link(near, devices[0])
        os.set_blocking(devices[0], False)
        while not os.path.exists(pem):
            link.step(0.01)
        for delay in delays:
            link.late = delay / 2000
            command = [bench, "far", f"https://{FAR}:{PORT}", pem, str(delay), *arguments]
            host = subprocess.Popen(command)
            while host.poll() is None:
                link.step(0.05)
            code = code or host.returncode
    finally:
        os.kill(backend, 15)
        os.waitpid(backend, 0)
        folder.cleanup()
    sys.exit(code)


def main():
    arguments = sys.argv[1:]
    delays = [10, 50, 150]
    if arguments[:1] == ["--delays"]:
        delays = [int(delay) for delay in arguments[1].split(",")]
        arguments = arguments[2:]
    if arguments[:1] == ["--inside"]:
        inside([int(delay) for delay in arguments[1].split(",")], arguments[2], arguments[3:])
    if not arguments:
        sys.exit(__doc__)
    listed = ",".join(str(delay) for delay in delays)
    command = ["unshare", "--map-root-user", "--net", sys.executable, os.path.abspath(__file__)]
    probe = subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True)
    if probe.returncode != 0:
        refuse(f"namespaces are not allowed: {probe.stderr.decode().strip()}")
    bench = os.path.abspath(arguments[0])
    os.execvp(command[0], [*command, "--inside", listed, bench, *arguments[1:]])


if __name__ == "__main__":
    main()
