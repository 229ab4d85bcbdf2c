"""Drives byokey with PyPI `codex-app-server-client`, an independent Python client.

It has a typed login for tokens that the host owns, and takes a handler for each request of the
server by its name.
"""

import queue

from codex_app_server_client import SyncCodexAppServer
from codex_app_server_client.types.auth import LoginAccountParams

import story
from story import check, plain


def run_turn(thread, text):
    """Runs a turn; returns the deltas, the final text and the end of the turn."""
    turn = thread.run(text, timeout_s=60)
    return turn.streamed_response, turn.final_response, turn.status


def main():
    server = SyncCodexAppServer(codex_bin=story.BYOKEY)
    client = server.low_level
    refreshes, completions, updates = [], queue.Queue(), queue.Queue()

    def refresh(_, params):
        refreshes.append(params)
        return story.second_tokens()

    client.on_server_request(story.REFRESH, refresh)
    client.on_notification(
        "account/login/completed", lambda _, event: completions.put(plain(event))
    )
    client.on_notification("account/updated", lambda _, event: updates.put(plain(event)))

    # The client's type for this notification has no plan.
    updated = {"authMode": "chatgptAuthTokens"}

    opened = server.start()
    process = client._transport._proc
    check("user agent", opened.user_agent.startswith("codex_python_sdk/0.171.0 "), True)
    check("account before login", plain(client.account_read()), {"requiresOpenaiAuth": True})

    login = client.account_login_start(LoginAccountParams.model_validate(story.login_params()))
    check("login", login, {"type": "chatgptAuthTokens"})
    check("account/login/completed", completions.get(timeout=20), {"success": True})
    check("account/updated", updates.get(timeout=20), updated)
    check("account", plain(client.account_read())["account"], story.FIRST)
    limits = client.account_rate_limits_read()
    check("rate limits, used percent", limits.rate_limits.primary.used_percent, 42)

    thread = server.start_thread()
    text = "".join(story.FIRST_ANSWER)
    check("turn", run_turn(thread, "Hello"), (text, text, "completed"))
    check("refreshes so far", refreshes, [])

    text = "".join(story.SECOND_ANSWER)
    check("turn over a 401", run_turn(thread, "Hello again"), (text, text, "completed"))
    check("refreshes", refreshes, [story.REFRESH_PARAMS])
    check("account/updated", updates.get(timeout=20), updated)
    check("account after refresh", plain(client.account_read())["account"], story.SECOND)

    check("logout", client.account_logout(), {})
    check("account/updated after logout", updates.get(timeout=20), {})
    check("account after logout", plain(client.account_read()), {"requiresOpenaiAuth": True})
    server.close()
    check("exit code", process.returncode, 0)


main()
