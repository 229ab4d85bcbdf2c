"""The errors: one tree, the same in every client.

Their texts are the client's own. Text of the server, the backend or a provider is never part of
them, because it may contain a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class ByokeyError(Exception):
    """The base of all errors."""


class RequestError(ByokeyError):
    """The server answered a request with an error."""

    advice = "see its kind and code"

    def __init__(
        self,
        method: str,
        code: int,
        kind: str | None = None,
        *,
        path: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        known = f", {kind}" if kind in CLASS_OF_KIND else ""
        super().__init__(f"`{method}` failed (code {code}{known}): {self.advice}")
        self.method = method
        self.code = code
        self.kind = kind
        """The error kind: a word of the protocol, or of a newer version."""
        self.path = path
        """The path of the invalid parameter, as ``member.member``."""
        self.status = status
        """HTTP status of the backend."""
        self.request_id = request_id
        """The backend's request id."""


class SignInRequiredError(RequestError):
    """A login is needed."""

    advice = "sign in with `login` and try again"


class RefreshFailedError(RequestError):
    """The backend refused the token, and no new one could be obtained from the token provider."""

    advice = "look into the token provider, or sign in again with `login`"


class LoginError(RequestError):
    """A login or logout was refused."""

    advice = "correct what its kind names, or sign in another way"


class BackendError(RequestError):
    """The backend failed or refused the request."""

    advice = "try again later if `is_retryable` is true"

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind == "retryable"


class InvalidRequestError(RequestError):
    """The request itself is invalid."""

    advice = "correct the request; `path` says where, if known"


class ConnectionClosedError(ByokeyError):
    """The server is gone, or was closed."""

    def __init__(self, exit_status: int | None = None) -> None:
        status = "" if exit_status is None else f" (exit status {exit_status})"
        super().__init__(f"the connection to the server has ended{status}: spawn a new client")
        self.exit_status = exit_status
        """Exit status of the server, negative for a signal, if known."""


class ServerNotFoundError(ByokeyError):
    """The program cannot be started."""

    def __init__(self, searched: Sequence[str]) -> None:
        places = ", ".join(searched)
        super().__init__(
            f"byokey cannot be started; looked for it in: {places}. "
            "Install it, or name it with `command` or BYOKEY_BIN"
        )
        self.searched = tuple(searched)
        """Where it was searched for, in order."""


class StartTimeoutError(ByokeyError):
    """The program started, but did not answer the handshake in time. It was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the program did not answer `initialize` within {seconds:g} seconds and was ended: see "
            "that `command` and `args` start `byokey app-server`; `on_log` is given what it writes "
            "to standard error, and `start_timeout` gives it more time"
        )


class TokenProviderError(ByokeyError):
    """A command provider failed, timed out, or printed something other than tokens."""


_KINDS: dict[type[RequestError], str] = {
    SignInRequiredError: "authRequired chatgptAuthRequired reauthRequired",
    RefreshFailedError: "hostRefused hostTimeout hostGone hostAnswerInvalid",
    LoginError: (
        "loginDisabled externalAuthActive workspaceMismatch invalidToken loginFailed "
        "portUnavailable storeFailed"
    ),
    BackendError: (
        "retryable unreachable backendRefused plaintextRefused usageLimitExceeded"
        " contextWindowExceeded policyRefused modelUnavailable workspaceRefused regionRefused challenged answerTooLarge"
    ),
    InvalidRequestError: (
        "invalidParams notInitialized alreadyInitialized invalidClientName duplicateId "
        "messageTooLong badFrame overloaded unsupported notFound turnInProgress "
        "configurationInvalid accountChanged"
    ),
}

CLASS_OF_KIND: dict[str, type[RequestError]] = {
    kind: error for error, kinds in _KINDS.items() for kind in kinds.split()
}
"""The class of a kind. Any other kind is a plain `RequestError`."""


# Only values of the expected form are kept: a faulty server could write a secret here.
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}", re.ASCII)
_PATH = re.compile(r"[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}", re.ASCII)
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)

INTERNAL_ERROR = -32603
"""The code for invalid responses."""


def request_error(method: str, answer: object) -> RequestError:
    """Returns the error for an error response of any form."""
    code = _member(answer, "code", int)
    data = _member(answer, "data", dict)
    kind = _text(data, "kind", _KIND)
    return CLASS_OF_KIND.get(kind or "", RequestError)(
        method,
        INTERNAL_ERROR if code is None else code,
        kind,
        path=_text(data, "path", _PATH),
        status=_member(data, "status", int),
        request_id=_text(data, "requestId", _REQUEST_ID),
    )


def _member(value: object, name: str, kind: type[T]) -> T | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if type(found) is kind else None


def _text(value: object, name: str, form: re.Pattern[str]) -> str | None:
    found = _member(value, name, str)
    return found if found is not None and form.fullmatch(found) else None
