"""A server on this machine that plays the registries, and conversations with the program."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import select
import ssl
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from shipping.project import ROOT, Project, Target, load, targets

DIST = Path(os.environ.get("BYOKEY_DIST", ROOT / "dist"))
PATIENCE = 60


class Loopback:
    """Serves bytes by path, with TLS if a context is given, and records what was asked for."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        pages, asked = self.pages, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                asked.append(self.path)
                self.answer(with_body=True)

            def answer(self, with_body: bool) -> None:
                status, body = pages.get(self.path, (404, b"not here"))
                self.send_response(status)
                kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
                self.send_header("Content-Type", "application/json" if body[:1] == b"{" else kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        # A client may stop reading.
        self.server.handle_error = lambda *_: None
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def loopback(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """A server for as long as the block lasts."""
    server = Loopback(tls)
    try:
        yield server
    finally:
        server.close()


def certificate(root: Path) -> tuple[ssl.SSLContext, Path]:
    """A new certificate of this machine, which is its own authority: for a server, and as a file."""
    names = {"key": root / "key.pem", "certificate": root / "certificate.pem"}
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", names["key"], "-out", names["certificate"], "-days", "2", "-subj", "/CN=loopback"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    run(command)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(names["certificate"], names["key"])
    return context, names["certificate"]


def npm_registry(server: Loopback, folder: Path) -> None:
    """Serves the packages in `folder` as npm's registry does."""
    for path in sorted(folder.glob("*.tgz")):
        data = path.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            manifest = json.load(archive.extractfile("package/package.json"))
        name, version = manifest["name"], manifest["version"]
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        dist = {"tarball": f"{server.address}/{path.name}", "integrity": f"sha512-{digest}"}
        document = {
            "name": name,
            "dist-tags": {"latest": version},
            "versions": {version: {**manifest, "dist": dist}},
        }
        server.pages[f"/{path.name}"] = (200, data)
        server.pages[f"/{name.replace('/', '%2f')}"] = (200, json.dumps(document).encode())


def python_index(server: Loopback, folder: Path) -> None:
    """Serves the wheels in `folder` as PyPI's simple index does."""
    links: dict[str, str] = {}
    for path in sorted(folder.glob("*.whl")):
        data = path.read_bytes()
        name = path.name.split("-")[0].replace("_", "-")
        digest = hashlib.sha256(data).hexdigest()
        links[name] = links.get(name, "") + f'<a href="/{path.name}#sha256={digest}">{path.name}</a>\n'
        server.pages[f"/{path.name}"] = (200, data)
    for name, list_of_files in links.items():
        server.pages[f"/simple/{name}/"] = (200, f"<!DOCTYPE html><html><body>{list_of_files}".encode())


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has nothing yet: nothing of this one's settings counts."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYENV_VERSION") if name in os.environ}
    nowhere = "http://127.0.0.1:9"
    closed = {"http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": "127.0.0.1,localhost"}
    return {**kept, **closed, "HOME": str(home), "BYOKEY_HOME": str(home / "byokey"), **more}


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="byokey-check-") as path:
        yield Path(path)


def run(command: list[Any], **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command; fails with all that it printed."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": PATIENCE, **options}
    result = subprocess.run([str(word) for word in command], **options)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result


def version_line(command: list[Any], **options: Any) -> str:
    """What `--version` prints; it must be this version."""
    printed = run([*command, "--version"], **options).stdout.strip()
    assert printed.endswith(f"(byokey {project().version})"), printed
    return printed


def handshake(command: list[Any], **options: Any) -> dict[str, Any]:
    """Starts a server, asks `initialize`, closes its input, and waits for its end."""
    ask = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "check", "version": "0"}}}
    result = run([*command, "app-server"], input=json.dumps(ask) + "\n", stdin=None, **options)
    answer = json.loads(result.stdout.splitlines()[0])
    assert answer["id"] == 1 and "result" in answer, answer
    return answer["result"]


@contextlib.contextmanager
def dev_backend(program: Any, **options: Any) -> Iterator[str]:
    """The loopback backend of `program`, as its address."""
    command = [str(program), "dev-backend"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options
    ) as server:
        try:
            yield address_in(server)
        finally:
            server.terminate()


def sign_in(program: Any, **options: Any) -> None:
    """`byokey login` at the loopback issuer; this plays the browser and its user."""
    command = [str(program), "login", "--no-browser"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options) as login:
        assert login.stderr
        page = next(line.strip() for line in login.stderr if line.startswith("http"))
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        browser.open(f"{page}&sign_in=yes", timeout=PATIENCE).close()
        printed = login.stderr.read()
    assert login.returncode == 0, printed


def address_in(server: subprocess.Popen[str]) -> str:
    """The first address that a program prints."""
    assert server.stdout
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([server.stdout], [], [], 1)[0]:
            continue
        line = server.stdout.readline()
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
        if not line:
            break
    raise AssertionError("the program printed no address")


def project() -> Project:
    """The project as dist/ was made."""
    return load()


def target_of_this_machine() -> Target:
    """The target with the program that runs here."""
    here = f"{os.uname().sysname} {os.uname().machine}"
    (target,) = [target for target in targets() if target.uname == here]
    return target


def archive_of_this_machine() -> Path:
    """The archive with that program."""
    return DIST / f"byokey-{project().version}-{target_of_this_machine().triple}.tar.gz"


def unpacked(destination: Path) -> Path:
    """Unpacks that archive, and returns the path of the program."""
    with tarfile.open(archive_of_this_machine()) as archive:
        archive.extractall(destination)
    (program,) = destination.glob("*/byokey")
    return program


def quick_enough(what: str, attempt: Callable[[], None], limit: float = 10) -> None:
    """Times an attempt. Another job may have the machine, so that up to three count."""
    took = []
    while not took or (min(took) > limit and len(took) < 3):
        began = time.monotonic()
        attempt()
        took.append(time.monotonic() - began)
    figure(f"{what}: {min(took):.1f} s")
    assert min(took) <= limit, f"{what} took {took} seconds"


def figure(text: str) -> None:
    """Prints a measured figure."""
    print(f"figure: {text}")
