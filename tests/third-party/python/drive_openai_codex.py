"""Drives byokey with PyPI `openai-codex`, the official Python client.

It has no typed login for tokens that the host owns, so the login is given as plain parameters,
and no typed refresh, so its handler for all requests of the server answers that.
"""

from openai_codex.api import Thread
from openai_codex.client import CodexClient, CodexConfig
from openai_codex.generated.v2_all import (
    ConfigReadResponse,
    ConfigRequirementsReadResponse,
    GetAccountRateLimitsResponse,
    PermissionProfileListResponse,
    SkillsListResponse,
)
from openai_codex.models import UnknownNotification

import story
from story import check, plain

refreshes = []
misunderstood = []


def answer_request(method, params):
    """The client's handler for all requests of the server."""
    check("request of the server", method, story.REFRESH)
    refreshes.append(params)
    return story.second_tokens()


def understood(notification):
    """Parses a notification; records its name if the client's types do not accept it."""
    if isinstance(notification.payload, UnknownNotification):
        misunderstood.append(notification.method)
    return notification


def await_notification(client, method):
    """The next notification of that name that belongs to no turn."""
    while True:
        notification = understood(client.next_notification())
        if notification.method == method:
            return plain(notification.payload)


def check_questions(client):
    """The requests of clients before they start a thread, parsed by this client's types."""
    config = {"config": {"model": "gpt-6.2-sol"}, "origins": {}}
    for method, params, response_model, expected in [
        ("config/read", {}, ConfigReadResponse, config),
        ("configRequirements/read", None, ConfigRequirementsReadResponse, {}),
        ("permissionProfile/list", {}, PermissionProfileListResponse, {"data": []}),
        (
            "skills/list",
            {"cwds": ["/a"]},
            SkillsListResponse,
            {"data": [{"cwd": "/a", "skills": [], "errors": []}]},
        ),
    ]:
        answer = client.request(method, params, response_model=response_model)
        check(method, plain(answer), expected)


def run_turn(thread, text):
    """Runs a turn; returns the deltas, the final text and the end of the turn."""
    pieces, final, ended = [], None, None
    for event in map(understood, thread.turn(text).stream()):
        if event.method == "item/agentMessage/delta":
            pieces.append(event.payload.delta)
        elif event.method == "item/completed" and event.payload.item.root.type == "agentMessage":
            final = event.payload.item.root.text
        elif event.method == "turn/completed":
            ended = event.payload.turn.status.value
    return pieces, final, ended


def main():
    client = CodexClient(CodexConfig(codex_bin=story.BYOKEY), approval_handler=answer_request)
    client.start()
    server = client._proc
    opened = client.initialize()
    check("server", opened.serverInfo.name, "byokey")
    check("account before login", plain(client.account_read()), {"requiresOpenaiAuth": True})

    login = client.account_login_start(story.login_params())
    check("login", plain(login), {"type": "chatgptAuthTokens"})
    completed = await_notification(client, "account/login/completed")
    check("account/login/completed", completed, {"success": True})
    updated = await_notification(client, "account/updated")
    check("account/updated", updated, {"authMode": "chatgptAuthTokens", "planType": "pro"})
    check("account", plain(client.account_read())["account"], story.FIRST)

    limits = client.request(
        "account/rateLimits/read", None, response_model=GetAccountRateLimitsResponse
    )
    check("rate limits, used percent", limits.rate_limits.primary.used_percent, 42)

    check_questions(client)
    thread = Thread(client, client.thread_start().thread.id)
    first = (story.FIRST_ANSWER, "".join(story.FIRST_ANSWER), "completed")
    check("turn", run_turn(thread, "Hello"), first)
    check("refreshes so far", refreshes, [])

    second = (story.SECOND_ANSWER, "".join(story.SECOND_ANSWER), "completed")
    check("turn over a 401", run_turn(thread, "Hello again"), second)
    check("refreshes", refreshes, [story.REFRESH_PARAMS])
    updated = await_notification(client, "account/updated")
    check("account/updated", updated, {"authMode": "chatgptAuthTokens", "planType": "team"})
    check("account after refresh", plain(client.account_read())["account"], story.SECOND)

    turns = client.thread_resume(thread.id).thread.turns
    check("turns of the thread", [turn.status.value for turn in turns], ["completed"] * 2)

    client.account_logout()
    check("account/updated after logout", await_notification(client, "account/updated"), {})
    check("account after logout", plain(client.account_read()), {"requiresOpenaiAuth": True})
    check("notifications not understood", misunderstood, [])
    client.close()
    check("exit code", server.returncode, 0)


main()
