#!/usr/bin/env python3
"""Records the model requests of a conversation with a real codex, headers and bodies whole.

codex is started in namespaces of its own: loopback is the only network, `chatgpt.com` is this
machine, and a certificate authority made for the run signs for it. So codex sends what it sends to
the real backend. Texts of codex and secrets are replaced; see README.md.

    record_requests.py --codex .cache/codex-0.171.0/codex --version 0.171.0
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import record  # noqa: E402
import stub_backend  # noqa: E402

MODELS = ("gpt-5.5", "gpt-6.2-sol")
HOSTS = ("chatgpt.com", "auth.openai.com", "api.openai.com")
LONGEST = 100
CONFIG = """model = "{model}"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[features]
apps = false
plugins = false
shell_snapshot = false
[analytics]
enabled = false
"""


def answer(number):
    """The events of one answer: reasoning, then a message."""
    thought = {"type": "reasoning", "id": f"rs_made_up_{number}", "summary": [],
               "encrypted_content": f"gAAAA-made-up-{number}"}
    text = f"Answer {number}"
    message = {"type": "message", "role": "assistant", "id": f"msg_made_up_{number}", "status": "completed",
               "phase": "final_answer", "content": [{"type": "output_text", "text": text, "annotations": []}]}
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 15}
    response = {"id": f"resp_made_up_{number}"}
    return [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": thought},
        {"type": "response.output_item.done", "output_index": 0, "item": thought},
        {"type": "response.output_item.added", "output_index": 1, "item": {**message, "content": []}},
        {"type": "response.output_text.delta", "item_id": message["id"], "output_index": 1, "content_index": 0,
         "delta": text},
        {"type": "response.output_item.done", "output_index": 1, "item": message},
        {"type": "response.completed", "response": {**response, "usage": usage}},
    ]


def scenario(model):
    token = {"$jwt": {"email": "user@example.com", "plan": "pro", "account": "ws-1"}}
    login = {"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1"}
    client = {"clientInfo": {"name": "conformance", "title": "Conformance", "version": "1.0.0"},
              "capabilities": {"experimentalApi": True}}
    thread = {"$from": {"response": 10, "path": ["thread", "id"]}}
    steps = [
        {"send": {"id": 0, "method": "initialize", "params": client}}, {"await": {"response": 0}},
        {"send": {"method": "initialized"}},
        {"send": {"id": 1, "method": "account/login/start", "params": login}}, {"await": {"response": 1}},
        {"await": {"notification": "account/login/completed"}}, {"await": {"notification": "account/updated"}},
        {"send": {"id": 10, "method": "thread/start", "params": {}}}, {"await": {"response": 10}},
    ]
    for number, text in enumerate(("First", "Second", "Third"), 11):
        params = {"threadId": thread, "input": [{"type": "text", "text": text}]}
        steps += [{"send": {"id": number, "method": "turn/start", "params": params}},
                  {"await": {"response": number}}, {"await": {"notification": "turn/completed"}}]
    # Without a list, codex uses its own catalogue of the model.
    no_list = {"status": 404, "body": {"error": {"message": "not found"}}}
    return {
        "config": CONFIG.format(model=model), "steps": steps, "timeoutSeconds": 90,
        "backend": {"routes": {"responses": [{"events": answer(number)} for number in (1, 2, 3)],
                               "models": [no_list] * 20}},
    }


class TlsBackend(stub_backend.Backend):
    """The stub, under the public names too, with a cookie of the edge on each answer."""

    folder, whole = None, []
    refuses_websockets = False

    def __init__(self):
        super().__init__()
        self.listen_encrypted(self.folder, 443)

    def answer(self, http_request, step, number):
        cookie = "__cf_bm=made-up-bm; path=/; HttpOnly; Secure; SameSite=None"
        super().answer(http_request, {**step, "headers": {**step.get("headers", {}), "set-cookie": cookie}}, number)

    def entry(self, http_request, route, path, query, bearer, account, body):
        if route == "responses":
            if http_request.headers.get("content-encoding") == "zstd":
                body = subprocess.run(["zstd", "-dc"], input=body, capture_output=True, check=True).stdout
            headers = [(name.lower(), value) for name, value in http_request.headers.items()]
            self.whole.append({"path": path, "headers": headers, "body": json.loads(body)})
        return {"route": route}


# ------------------------------------------------------------- recorded parts


class Keeper:
    """Replaces codex's own texts, secrets, and what changes from run to run."""

    def __init__(self):
        self.uuids = {}

    def text(self, value):
        if len(value) > LONGEST or value.startswith("<"):
            return f"<text of {len(value)} characters>"
        return record.UUID.sub(lambda found: self.uuids.setdefault(found[0], f"<uuid:{len(self.uuids) + 1}>"), value)

    def value(self, value, key=None):
        if key == "tools":
            return [{name: tool[name] for name in ("type", "name") if name in tool} for tool in value]
        if key == "create_time":
            return "<time>"
        if isinstance(value, dict):
            return {name: self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def header(self, name, value):
        if name == "authorization":
            return "Bearer <made-up token>"
        if name == "content-length":
            return "<length>"
        return re.sub(r" \([^)]*; [^)]*\) \S+", " (<platform>) <platform>", self.text(value))

    def request(self, sent):
        headers = {name: self.header(name, value) for name, value in sorted(sent["headers"])}
        return {"path": sent["path"], "headers": headers, "body": self.value(sent["body"])}


# ------------------------------------------------------------------ the run


def enter_namespaces():
    if "CONFORMANCE_INSIDE" not in os.environ:
        environment = dict(os.environ, CONFORMANCE_INSIDE="1")
        os.execvpe("unshare", ["unshare", "-rnm", sys.executable, *sys.argv], environment)
    record.only_loopback()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--codex", required=True, help="path of the native codex binary")
    options.add_argument("--version", required=True, help="its version, names the recording")
    options.add_argument("--out", type=pathlib.Path, help="another file to write to")
    options = options.parse_args()
    enter_namespaces()
    with tempfile.TemporaryDirectory(prefix="requests-") as folder:
        folder = pathlib.Path(folder)
        stub_backend.certificates(folder, [f"DNS:{host}" for host in HOSTS])
        (folder / "hosts").write_text(f"127.0.0.1 localhost {' '.join(HOSTS)}\n")
        subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
        TlsBackend.folder = folder
        record.Backend = TlsBackend
        spawn = subprocess.Popen

        def with_authority(words, **more):
            if "env" in more:
                more["env"] = dict(more["env"], SSL_CERT_FILE=str(folder / "ca.pem"))
            return spawn(words, **more)

        record.subprocess.Popen = with_authority
        conversations = []
        for model in MODELS:
            TlsBackend.whole = []
            run = record.Run(os.path.abspath(options.codex), scenario(model))
            run.fixed_uuids = set()
            _, problem = run.run()
            if problem:
                raise SystemExit(f"{model}: {problem}")
            keeper = Keeper()
            requests = [keeper.request(sent) for sent in TlsBackend.whole]
            conversations.append({"model": model, "requests": requests})
        recording = {
            "codex": options.version,
            "note": "Recorded from codex. All tokens and accounts are made up; codex's own texts are left out.",
            "answers": [answer(number) for number in (1, 2, 3)], "conversations": conversations,
        }
        path = options.out or HERE / f"codex-{options.version}.json"
        path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")
        print(path)


if __name__ == "__main__":
    main()
