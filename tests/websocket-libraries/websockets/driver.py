"""The WebSocket protocol against the library websockets, used without its IO: it builds valid and
invalid frames, and parses the responses.

The cases follow the chapters of the Autobahn test suite. The server echoes the id of a request.
Prints the number of cases, and the problems, as one line of JSON.
"""

import json
import os
import socket

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

URL = os.environ["WS_URL"]
TOKEN = os.environ["WS_TOKEN"]
PATIENCE = 20
LIMIT = 4 * 1024 * 1024

CONT, TEXT, BINARY = Opcode.CONT, Opcode.TEXT, Opcode.BINARY
CLOSE, PING, PONG = Opcode.CLOSE, Opcode.PING, Opcode.PONG
REQUEST = '{"id":"%s","method":"account/read"}'


class AnyFrame(Frame):
    """A frame, possibly invalid."""

    def check(self):
        pass


def frame(opcode, data=b"", fin=True, rsv=0, mask=True):
    data = data.encode() if isinstance(data, str) else data
    bits = [bool(rsv & bit) for bit in (4, 2, 1)]
    return AnyFrame(opcode, data, fin, *bits).serialize(mask=mask)


def closing(code, reason=b""):
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def pieces(data, step):
    """A text message in fragments of this many bytes."""
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    for at, part in enumerate(parts):
        yield frame(CONT if at else TEXT, part, fin=at == len(parts) - 1)


class Client:
    """A connection after its handshake."""

    def __init__(self):
        uri = parse_uri(URL)
        self.socket = socket.create_connection((uri.host, uri.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.protocol = ClientProtocol(uri, max_size=None)
        request = self.protocol.connect()
        request.headers["Authorization"] = f"Bearer {TOKEN}"
        self.protocol.send_request(request)
        self.events = self.receive()
        assert isinstance(next(self.events), Response)
        assert self.protocol.handshake_exc is None, self.protocol.handshake_exc
        client = {"name": "websockets", "version": "1.0"}
        introduction = {"id": 0, "method": "initialize", "params": {"clientInfo": client}}
        self.send(frame(TEXT, json.dumps(introduction)))
        assert self.next_event() == ("answer", 0)

    def receive(self):
        """Returns the messages until the end."""
        while True:
            for data in self.protocol.data_to_send():
                self.send(data)
            yield from self.protocol.events_received()
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return
            self.protocol.receive_data(data)

    def send(self, data, octets=False):
        try:
            for part in [data[at : at + 1] for at in range(len(data))] if octets else [data]:
                self.socket.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The bytes sent before were enough for the server.

    def next_event(self):
        event = next(self.events, None)
        if event is None:
            return ("end",)
        if event.opcode == TEXT:
            message = json.loads(event.data)
            kind = message.get("error", {}).get("data", {}).get("kind")
            return (kind or "answer", message["id"])
        if event.opcode == CLOSE:
            return ("close", int.from_bytes(event.data[:2], "big") if event.data else None)
        return (event.opcode.name.lower(), bytes(event.data))

    def rest(self):
        seen = [self.next_event()]
        while seen[-1] != ("end",):
            seen.append(self.next_event())
        return seen


def goes_on(sent, expected, octets=False):
    """Checks the responses, and that a following request is answered. Pongs and responses may
    overtake each other."""
    client = Client()
    client.send(sent, octets)
    client.send(frame(TEXT, REQUEST % "behind"))
    seen = [client.next_event()]
    while seen[-1] not in (("answer", "behind"), ("end",)):
        seen.append(client.next_event())
    client.send(closing(1000))
    seen.extend(client.rest())
    expected = [*expected, ("answer", "behind"), ("close", 1000), ("end",)]
    return pongs_last(seen), pongs_last(expected)


def pongs_last(events):
    return sorted(events, key=lambda event: event[0] == "pong")


def ends(sent, code, before=(), octets=False):
    """Checks that the connection is closed, with this code and nothing else."""
    client = Client()
    client.send(sent, octets)
    return client.rest(), [*before, ("close", code), ("end",)]


def framing():
    for length in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1024 * 1024):
        payload = "x" * length
        # An id has at most 256 bytes; a longer text is in another member.
        message = REQUEST % payload if length <= 256 else f'{{"x":"{payload}",{(REQUEST % length)[1:]}'
        yield goes_on(frame(TEXT, message), [("answer", payload if length <= 256 else str(length))])
    for padding in (125, 126, 65535, 65536):
        text = REQUEST % "exact"
        yield goes_on(frame(TEXT, text + " " * (padding - len(text))), [("answer", "exact")])
    yield goes_on(frame(TEXT, REQUEST % "octets"), [("answer", "octets")], octets=True)
    yield goes_on(frame(TEXT), [])
    yield ends(frame(TEXT, REQUEST % "open", mask=False), 1002)
    yield ends(frame(BINARY, REQUEST % "binary"), 1003)


def pings():
    for payload in (b"", b"hello", bytes(range(0x80, 0xFD)), b"x" * 125):
        for octets in (False, True):
            yield goes_on(frame(PING, payload), [("pong", payload)], octets)
    yield goes_on(frame(PONG, b"unasked"), [])
    yield goes_on(frame(PONG) + frame(PING, b"a"), [("pong", b"a")])
    yield goes_on(
        b"".join(frame(PING, b"%d" % at) for at in range(10)),
        [("pong", b"%d" % at) for at in range(10)],
    )
    for opcode in (PING, PONG, CLOSE):
        yield ends(frame(opcode, b"\x03\xe8" + b"x" * 124), 1002)
        yield ends(frame(opcode, b"\x03\xe8", fin=False), 1002)


def reserved():
    for bits in range(1, 8):
        for opcode in (TEXT, PING, CLOSE):
            yield ends(frame(opcode, b"\x03\xe8", rsv=bits), 1002)
    before = frame(TEXT, REQUEST % "before")
    yield ends(before + frame(TEXT, b"x", rsv=4), 1002, [("answer", "before")])
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield ends(frame(opcode), 1002)
        yield ends(before + frame(opcode, b"x"), 1002, [("answer", "before")])


def fragments():
    message = (REQUEST % "κόσμε").encode()
    for step in (1, 2, 5, 16):
        for octets in (False, True):
            sent = b"".join(pieces(message, step))
            yield goes_on(sent, [("answer", "κόσμε")], octets)
    with_pings = [part + frame(PING, b"p") for part in list(pieces(message, 8))[:-1]]
    sent = b"".join(with_pings) + list(pieces(message, 8))[-1]
    pongs = [("pong", b"p")] * len(with_pings)
    yield goes_on(sent, [*pongs, ("answer", "κόσμε")])
    yield goes_on(sent, [*pongs, ("answer", "κόσμε")], octets=True)
    empty = frame(TEXT, fin=False) + frame(CONT, message, fin=False) + frame(CONT)
    yield goes_on(empty, [("answer", "κόσμε")])
    for fin in (False, True):
        yield ends(frame(CONT, message, fin), 1002)
        yield ends(frame(TEXT, message) + frame(CONT, b"x", fin), 1002, [("answer", "κόσμε")])
        yield ends(frame(TEXT, message, fin=False) + frame(TEXT, message, fin), 1002)


def utf8():
    for text in ("κόσμε", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff",
                 "\U00010000", "\U0010ffff", "\ufdd0"):  # fmt: skip
        yield goes_on(frame(TEXT, REQUEST % text), [("answer", text)])
        yield goes_on(b"".join(pieces((REQUEST % text).encode(), 1)), [("answer", text)])
    for octets in (b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80",
                   b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5", b"\xfe",
                   b"\xff", b"\xce", b"\xe2\x82", b"\xf0\x9f\x98"):  # fmt: skip
        for data in (octets, (REQUEST % "x").encode().replace(b"x", octets)):
            yield ends(frame(TEXT, data), 1007)
            yield ends(b"".join(pieces(data + b" ", 1)), 1007)


def closings():
    yield ends(frame(CLOSE), None)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield ends(closing(code), code)
        yield ends(closing(code, b"x" * 123), code)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield ends(closing(code), 1002)
    yield ends(frame(CLOSE, b"\x03"), 1002)
    yield ends(closing(1000, b"\xce\xba\xe1\xbd\xb9\xff"), 1007)
    # The rest is ignored.
    for late in (frame(TEXT, REQUEST % "late"), frame(PING, b"late"), closing(1001)):
        yield ends(closing(1000) + late, 1000)
    yield ends(frame(TEXT, b"{", fin=False) + closing(1000), 1000)


def limits():
    text = REQUEST % "long"
    longest = text + " " * (LIMIT - len(text))
    yield goes_on(frame(TEXT, longest), [("answer", "long")])
    yield goes_on(b"".join(pieces(longest.encode(), 65536)), [("answer", "long")])
    too_long = [("messageTooLong", None)]
    yield ends(frame(TEXT, longest + " "), 1009, too_long)
    yield ends(b"".join(pieces((longest + " ").encode(), 65536)), 1009, too_long)
    # The length counts before any of the content has arrived.
    yield ends(b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"mask", 1009, too_long)
    yield ends(b"\x81\xff" + b"\xff" * 8 + b"mask", 1009, too_long)


def main():
    count, wrong = 0, []
    for chapter in (framing, pings, reserved, fragments, utf8, closings, limits):
        for number, (seen, expected) in enumerate(chapter()):
            count += 1
            if seen != expected:
                said = [str(event)[:80] for event in seen]
                wrong.append(f"{chapter.__name__} {number}: {said}, expected {expected}"[:400])
    print(json.dumps({"cases": count, "wrong": wrong}))


main()
