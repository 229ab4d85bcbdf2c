#!/usr/bin/env python3
"""Makes the seeds under fuzz/seeds/ from the recorded exchanges.

Every token in them is fake.
"""

import hashlib
import json
import pathlib
import shutil

FUZZ = pathlib.Path(__file__).parent
RECORDED = FUZZ.parent / "tests" / "conformance" / "recorded"
# Scenarios whose whole input is a separate seed.
CONVERSATIONS = 12

# The same as in src/upgrade_head.rs and src/callback_request.rs.
TOKEN = "made-up-token-of-the-fuzz-targets"
STATE = "made-up-state-of-the-fuzz-targets"


def client_messages(path):
    exchange = json.loads(path.read_text())["exchange"]
    return [step["client"] for step in exchange if isinstance(step.get("client"), dict)]


def keep(target, content):
    folder = FUZZ / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(content).hexdigest()[:16]
    (folder / name).write_bytes(content)


def text_of(message):
    return json.dumps(message, separators=(",", ":"))


def framed(message):
    body = text_of(message)
    return f"Content-Length: {len(body.encode())}\r\n\r\n{body}"


def tokens_in(value):
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("accessToken", "idToken") and isinstance(member, str):
                yield member
            yield from tokens_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from tokens_in(member)


def upgrade_heads():
    """Requests to a WebSocket port: valid ones, and one violation of each rule."""
    upgrade = {
        "Connection": "keep-alive, Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    own = {"Host": "127.0.0.1:4500"}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    good = own | upgrade | bearer
    yield "GET / HTTP/1.1", good
    yield "GET /any/path?x=1 HTTP/1.1", good | {"Host": "localhost:4500"}
    yield "GET / HTTP/1.1", good | {"Host": "[::1]:4500", "Sec-WebSocket-Protocol": "a, b"}
    yield "GET / HTTP/1.0", good
    yield "POST / HTTP/1.1", good | {"Content-Length": "2"}
    yield "GET http://localhost:4500/ HTTP/1.1", good | {"Host": "evil.example:4500"}
    yield "GET / HTTP/1.1", good | {"Host": "[::1]127.0.0.1:4500"}
    yield "GET / HTTP/1.1", good | {"Origin": "http://localhost:4500"}
    yield "GET / HTTP/1.1", own | upgrade
    yield "GET / HTTP/1.1", good | {"Authorization": f"Basic {TOKEN}"}
    yield "GET / HTTP/1.1", own | bearer
    yield "GET / HTTP/1.1", good | {"Sec-WebSocket-Version": "8"}
    yield "GET / HTTP/1.1", good | {"Transfer-Encoding": "chunked"}
    yield "GET /readyz HTTP/1.1", own
    yield "GET /healthz HTTP/1.1", {"Host": "evil.example"}


def callback_heads():
    """Requests to the callback port: the right ones, and others."""
    own = {"Host": "localhost:1455"}
    back = f"GET /auth/callback?code=made-up-code&state={STATE} HTTP/1.1"
    yield back, own
    yield back, {"Host": "[::1]:1455", "Sec-Fetch-Site": "cross-site", "Referer": "http://a/"}
    yield f"GET /auth/callback?error=access_denied&error_description=a+b&state={STATE} HTTP/1.1", own
    yield f"GET http://127.0.0.1:1455/auth/callback?%73tate={STATE} HTTP/1.1", own
    yield f"GET /auth/callback?state={STATE}&code=a&state={STATE} HTTP/1.1", own
    yield "GET /auth/callback?code=made-up-code&state=another HTTP/1.1", own
    yield back, {"Host": "evil.example:1455"}
    yield back, own | {"Origin": "http://localhost:1455"}
    yield back.replace("GET", "POST"), own | {"Content-Length": "2"}
    yield back.replace("GET", "HEAD"), own
    yield back.replace("1.1", "1.0"), own
    yield "GET /success HTTP/1.1", own
    yield "GET /cancel HTTP/1.1", own | {"Connection": "close"}
    yield "GET /favicon.ico HTTP/1.1", own


def keep_heads(target, heads):
    for line, headers in heads:
        lines = [line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        keep(target, "\r\n".join(lines).encode())


def main():
    shutil.rmtree(FUZZ / "seeds", ignore_errors=True)
    shapes, tokens = set(), set()
    for number, path in enumerate(sorted(RECORDED.glob("*/*.json"))):
        messages = client_messages(path)
        if number % 20 == 0 and number // 20 < CONVERSATIONS:
            lines = "".join(text_of(message) + "\n" for message in messages)
            keep("framing", b"\x07" + lines.encode())
            keep("framing", b"\x0b" + "".join(map(framed, messages)).encode())
        for message in messages:
            params = message.get("params")
            names = tuple(params) if isinstance(params, dict) else type(params).__name__
            result = message.get("result")
            answer = tuple(result) if isinstance(result, dict) else type(result).__name__
            tokens.update(tokens_in(message))
            shape = (message.get("method"), names, answer, "error" in message)
            if shape in shapes:
                continue
            shapes.add(shape)
            keep("envelope", text_of(message).encode())
            if "method" in message and "id" in message:
                keep("params", f"{message['method']}\n{text_of(params)}".encode())
            if "result" in message:
                keep("refresh_answer", text_of(message["result"]).encode())
    for token in sorted(tokens)[::5]:
        keep("jwt_claims", token.encode())
    for result in (
        {"accessToken": "e30.e30.made-up", "chatgptAccountId": "ws-1", "chatgptPlanType": None},
        {"accessToken": "opaque", "idToken": "e30.e30.made-up"},
    ):
        keep("refresh_answer", text_of(result).encode())
    keep_heads("upgrade_head", upgrade_heads())
    keep_heads("callback_request", callback_heads())
    keep("framing", b"\x03nonsense\r\nContent-Length: 2\r\n\r\n{}Content-Length: x\r\n\r\n")
    # A line that begins like a header block.
    keep("framing", b"\x00Content of no message\n")


if __name__ == "__main__":
    main()
