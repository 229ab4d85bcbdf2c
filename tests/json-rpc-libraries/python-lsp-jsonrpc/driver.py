"""Drives the server with an unmodified python-lsp-jsonrpc.

The README beside this folder describes the output.
"""

import json
import os
import subprocess
import threading

from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.exceptions import JsonRpcException
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

PATIENCE = 20


class Seen:
    """The server's notifications and requests."""

    def __init__(self):
        self.notified = []
        self.asked = []
        self.said = ""
        self.turn = None
        self.completed = threading.Event()

    def refresh(self, params):
        self.asked.append(params)
        return {"accessToken": os.environ["NEW_TOKEN"], "chatgptAccountId": "ws-1"}

    def delta(self, params):
        self.said += params["delta"]

    def turn_completed(self, params):
        self.turn = params["turn"]["status"]
        self.completed.set()

    def handler_of(self, method):
        known = {
            "account/chatgptAuthTokens/refresh": self.refresh,
            "item/agentMessage/delta": self.delta,
            "turn/completed": self.turn_completed,
        }
        return known.get(method, lambda params: None)


class Dispatcher:
    """Adds a handler for every method of the server, and records the methods."""

    def __init__(self, seen):
        self.seen = seen

    def __getitem__(self, method):
        if method != "account/chatgptAuthTokens/refresh":
            self.seen.notified.append(method)
        return self.seen.handler_of(method)


def code_of(request):
    try:
        request.result(timeout=PATIENCE)
    except JsonRpcException as error:
        return error.code
    return 0


def main():
    child = subprocess.Popen(
        [os.environ["BYOKEY"], "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    seen = Seen()
    ids = iter(range(1, 1000))
    endpoint = Endpoint(
        Dispatcher(seen), JsonRpcStreamWriter(child.stdin).write, id_generator=lambda: next(ids)
    )
    reader = JsonRpcStreamReader(child.stdout)
    threading.Thread(target=reader.listen, args=(endpoint.consume,), daemon=True).start()

    def request(method, params=None):
        return endpoint.request(method, params).result(timeout=PATIENCE)

    request("initialize", {"clientInfo": {"name": "driver", "version": "1"}})
    endpoint.notify("initialized")
    login = {
        "type": "chatgptAuthTokens",
        "accessToken": os.environ["OLD_TOKEN"],
        "chatgptAccountId": "ws-1",
    }
    request("account/login/start", login)
    account = request("account/read")["account"]
    notified = list(seen.notified)
    limits = request("account/rateLimits/read")
    unknown_method = code_of(endpoint.request("no/such/method"))
    doomed = endpoint.request("account/usage/read")
    doomed_id = next(iter(endpoint._server_request_futures))
    endpoint.notify("$/cancelRequest", {"id": doomed_id})
    cancelled = code_of(doomed)
    thread = request("thread/start", {})["thread"]
    message = {"type": "text", "text": "Hello"}
    request("turn/start", {"threadId": thread["id"], "input": [message]})
    assert seen.completed.wait(PATIENCE), "the turn ends"

    child.stdin.close()
    report = {
        "account": account["email"],
        "notified": notified,
        "asked": seen.asked,
        "usedPercent": limits["rateLimits"]["primary"]["usedPercent"],
        "unknownMethod": unknown_method,
        "cancelled": cancelled,
        "turn": seen.turn,
        "said": seen.said,
        "exitCode": child.wait(timeout=PATIENCE),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
