"""Common parts of the drivers: the test's environment, and checks that print values."""

import os
import sys

# The program under test. Its HOME, which every client passes on to it, contains a configuration for
# the backend.
BYOKEY = os.environ["BYOKEY_BIN"]

# Fake tokens. The backend accepts each of them twice and refuses it from then on.
FIRST_TOKEN = os.environ["FIRST_TOKEN"]
SECOND_TOKEN = os.environ["SECOND_TOKEN"]

# The account of the tokens.
FIRST = {"type": "chatgpt", "email": "first@example.com", "planType": "pro"}
SECOND = {"type": "chatgpt", "email": "second@example.com", "planType": "team"}
FIRST_ACCOUNT = "account-first"
SECOND_ACCOUNT = "account-second"

# The backend's replies to the two turns, delta by delta.
FIRST_ANSWER = ["Streamed ", "in ", "pieces."]
SECOND_ANSWER = ["After ", "a ", "refresh."]

REFRESH = "account/chatgptAuthTokens/refresh"
REFRESH_PARAMS = {"reason": "unauthorized", "previousAccountId": FIRST_ACCOUNT}


def check(what, seen, expected):
    """Prints the value; ends the driver if it is not the expected one."""
    if seen != expected:
        sys.exit(f"WRONG {what}\n  seen     {seen!r}\n  expected {expected!r}")
    print(f"ok {what}: {seen!r}", flush=True)


def plain(model):
    """Converts a pydantic model to JSON, without absent and null members."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def login_params():
    """Parameters of the login with the first token."""
    return {
        "type": "chatgptAuthTokens",
        "accessToken": FIRST_TOKEN,
        "chatgptAccountId": FIRST_ACCOUNT,
    }


def second_tokens():
    """Returns the host's answer to a refresh request."""
    return {"accessToken": SECOND_TOKEN, "chatgptAccountId": SECOND_ACCOUNT}
