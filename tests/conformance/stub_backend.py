"""The stub backend for recording codex, and its fake tokens.

The README next to this file describes its script.
"""

import base64
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading


# ---------------------------------------------------------------- test tokens


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    """Builds the fake JWTs and records their labels."""

    def __init__(self):
        self.labels = {}

    def build(self, spec):
        label = spec.get("label") or spec.get("email") or spec.get("account") or "anonymous"
        auth = {}
        if "plan" in spec:
            auth["chatgpt_plan_type"] = spec["plan"]
        if "account" in spec:
            auth["chatgpt_account_id"] = spec["account"]
        if "residency" in spec:
            auth["chatgpt_compute_residency"] = spec["residency"]
        auth["chatgpt_user_id"] = "user-1"
        claims = {}
        if "email" in spec:
            claims["email"] = spec["email"]
        if "exp" in spec:
            claims["exp"] = spec["exp"]
        claims["https://api.openai.com/auth"] = auth
        parts = [
            json.dumps({"alg": "none", "typ": "JWT"}, separators=(",", ":")).encode(),
            json.dumps(claims, separators=(",", ":")).encode(),
            f"signature-{label}".encode(),
        ]
        token = ".".join(b64url(part) for part in parts)
        known = self.labels.setdefault(token, label)
        if known != label or any(l == label and t != token for t, l in self.labels.items()):
            raise SystemExit(f"the token label {label!r} names two different tokens")
        return token


# --------------------------------------------------------------- stub backend

ROUTES = (
    ("responses", "POST", re.compile(r"/responses$")),
    ("usage", "GET", re.compile(r"/(wham|api/codex)/usage$")),
    ("profile", "GET", re.compile(r"/profiles/me$")),
    ("models", "GET", re.compile(r"/models$")),
    ("accountsCheck", "GET", re.compile(r"/wham/accounts/check$")),
)

# Not part of the script format: codex reads it for business plans and fails the login without it.
OTHER_PATHS = {
    "/wham/config/bundle": {"status": 200, "body": {}},
    "/wham/config/requirements": {"status": 200, "body": {}},
}


# The built-in provider tries a WebSocket first, and HTTP at once after this answer.
NO_WEBSOCKET = {"status": 426, "body": {}}


def certificates(folder, names):
    """Makes an authority and a certificate of these names: ca.pem, leaf.pem and leaf.key."""

    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=made-up", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=made-up")
    (folder / "leaf.ext").write_text(f"subjectAltName={','.join(names)}\nbasicConstraints=CA:FALSE\n")
    run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem",
        "-days", "2", "-extfile", "leaf.ext")


def mock_model(slug, name, priority, visibility="list"):
    return {
        "slug": slug, "display_name": name, "description": f"{name}, made up for tests.",
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [{"effort": "low", "description": "Less"}, {"effort": "medium", "description": "More"}],
        "shell_type": "shell_command", "visibility": visibility, "supported_in_api": True, "priority": priority,
        "upgrade": None, "base_instructions": "This is a test.", "supports_reasoning_summaries": False,
        "support_verbosity": False, "default_verbosity": None, "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "bytes", "limit": 10000}, "supports_parallel_tool_calls": False,
        "context_window": 272000, "experimental_supported_tools": [], "input_modalities": ["text", "image"],
    }


def default_answer(route, account):
    account = account or "ws-test"
    if route == "responses":
        return {"text": ["Done"], "usage": {"inputTokens": 10, "outputTokens": 2}}
    if route == "usage":
        window = {"used_percent": 42, "limit_window_seconds": 18000, "reset_after_seconds": 600, "reset_at": 1900000000}
        week = {"used_percent": 5, "limit_window_seconds": 604800, "reset_after_seconds": 6000, "reset_at": 1900500000}
        return {"status": 200, "body": {
            "plan_type": "pro",
            "rate_limit": {"allowed": True, "limit_reached": False, "primary_window": window, "secondary_window": week},
        }}
    if route == "profile":
        return {"status": 200, "body": {"stats": {
            "lifetime_tokens": 1234567, "peak_daily_tokens": 45678, "longest_running_turn_sec": 321,
            "current_streak_days": 3, "longest_streak_days": 9,
            "daily_usage_buckets": [{"start_date": "2030-01-01", "tokens": 100}, {"start_date": "2030-01-02", "tokens": 250}],
        }}}
    if route == "models":
        return {"status": 200, "body": {"models": [
            mock_model("mock-model", "Mock Model", 1), mock_model("mock-small", "Mock Small", 2),
            mock_model("mock-hidden", "Mock Hidden", 3, "hide"),
        ]}}
    return {"status": 200, "body": {
        "accounts": [{"id": account, "name": "Test workspace", "workspace_backend_origin": "https://chatgpt.com",
                      "account_routing_override": "NO_CONSTRAINT"}],
        "default_account_id": account, "account_ordering": [account],
    }}


def sse_events(step, number):
    if "events" in step:
        return step["events"]
    usage = step.get("usage", {})
    inputs, outputs = usage.get("inputTokens", 0), usage.get("outputTokens", 0)
    response, item = f"resp-{number}", f"msg-{number}"
    whole = "".join(step["text"])
    events = [
        {"type": "response.created", "response": {"id": response}},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {"type": "message", "role": "assistant", "id": item, "content": []}},
    ]
    for piece in step["text"]:
        events.append({"type": "response.output_text.delta", "item_id": item, "output_index": 0, "content_index": 0, "delta": piece})
    if step.get("hang") or step.get("drop"):
        return events
    events.append({"type": "response.output_item.done", "output_index": 0,
                   "item": {"type": "message", "role": "assistant", "id": item, "content": [{"type": "output_text", "text": whole}]}})
    events.append({"type": "response.completed", "response": {"id": response, "usage": {
        "input_tokens": inputs, "input_tokens_details": None, "output_tokens": outputs,
        "output_tokens_details": None, "total_tokens": inputs + outputs}}})
    return events


class Backend:
    """The stub: answers by script, and logs its requests."""

    # Whether a WebSocket is refused by name. After a 404 codex tries again for a while, and then
    # sends one item more.
    refuses_websockets = True

    def __init__(self):
        self.routes, self.rejected = {}, set()
        self.requests, self.background = [], set()
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.responses = 0
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                try:
                    backend.handle(self)
                except (ConnectionError, BrokenPipeError):
                    self.close_connection = True

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.encrypted = None

    def listen_encrypted(self, folder, port=0):
        """Listens behind TLS too, with the certificate in this folder. Returns the port."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.server.RequestHandlerClass)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.daemon_threads = True
        self.encrypted = server
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def load(self, script):
        self.routes = {name: list(steps) for name, steps in script.get("routes", {}).items()}
        self.rejected = set(script.get("rejectedBearers", []))

    def close(self):
        self.stop.set()
        for server in filter(None, (self.server, self.encrypted)):
            server.shutdown()
            server.server_close()

    def handle(self, http_request):
        path, _, query = http_request.path.partition("?")
        headers = http_request.headers
        body = http_request.rfile.read(int(headers.get("content-length") or 0))
        bearer = (headers.get("authorization") or "").removeprefix("Bearer ") or None
        account = headers.get("chatgpt-account-id")
        route = next((name for name, verb, pattern in ROUTES if verb == http_request.command and pattern.search(path)), None)
        with self.lock:
            if route is None:
                self.background.add(f"{http_request.command} {path}")
            else:
                self.requests.append(self.entry(http_request, route, path, query, bearer, account, body))
            step = OTHER_PATHS.get(path.rpartition("/backend-api")[2]) or {"status": 404, "body": {"error": {"message": "not found"}}}
            if route == "responses":
                self.responses += 1
            number = self.responses
            if self.refuses_websockets and http_request.headers.get("upgrade") == "websocket":
                step = NO_WEBSOCKET
            elif bearer in self.rejected:
                step = {"status": 401, "body": {"error": {"message": "unauthorized"}}}
            elif route is not None:
                left = self.routes.get(route)
                step = left.pop(0) if left else default_answer(route, account)
        if step.get("delayMs"):
            self.stop.wait(step["delayMs"] / 1000)
        self.answer(http_request, step, number)

    @staticmethod
    def entry(http_request, route, path, query, bearer, account, body):
        entry = {"route": route, "method": http_request.command, "path": path}
        if query:
            entry["query"] = query
        if isinstance(http_request.connection, ssl.SSLSocket):
            entry["at"] = "origin"
        entry["authorization"], entry["accountId"] = bearer, account
        headers = {}
        for name in ("originator", "user-agent", "accept", "content-type", "openai-beta", "version", "x-openai-fedramp",
                     "x-openai-account-routing-override", "x-openai-internal-codex-residency"):
            if http_request.headers.get(name) is not None:
                headers[name] = http_request.headers[name]
        entry["headers"] = headers
        if route == "responses":
            entry["headerNames"] = sorted({name.lower() for name in http_request.headers})
            try:
                sent = json.loads(body)
                user = [part.get("text") for item in sent["input"] if item.get("role") == "user" for part in item["content"]]
                entry["body"] = {"members": sorted(sent), "model": sent.get("model"), "stream": sent.get("stream"),
                                 "store": sent.get("store"), "lastUserText": user[-1] if user else None}
            except (ValueError, KeyError, TypeError):
                entry["body"] = None
        return entry

    def answer(self, http_request, step, number):
        streamed = "events" in step or "text" in step
        if not streamed and step.get("hang"):
            self.stop.wait()
        if not streamed and (step.get("hang") or step.get("drop")):
            http_request.close_connection = True
            http_request.connection.shutdown(socket.SHUT_RDWR)
            return
        http_request.send_response(step.get("status", 200))
        for name, value in step.get("headers", {}).items():
            http_request.send_header(name, value)
        if not streamed:
            body = step.get("body", {})
            plain = isinstance(body, str)
            data = (body if plain else json.dumps(body)).encode()
            if not any(name.lower() == "content-type" for name in step.get("headers", {})):
                http_request.send_header("content-type", "text/plain" if plain else "application/json")
            http_request.send_header("content-length", str(len(data)))
            http_request.end_headers()
            http_request.wfile.write(data)
            return
        http_request.send_header("content-type", "text/event-stream")
        http_request.send_header("transfer-encoding", "chunked")
        http_request.end_headers()
        for event in sse_events(step, number):
            data = f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n".encode()
            http_request.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            http_request.wfile.flush()
        if step.get("hang"):
            self.stop.wait()
        if step.get("hang") or step.get("drop"):
            http_request.close_connection = True
            http_request.connection.shutdown(socket.SHUT_RDWR)
            return
        http_request.wfile.write(b"0\r\n\r\n")
