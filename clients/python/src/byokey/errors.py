"""The errors: one tree, the same in every client.

A text here is the client's own. What `byokey` says about an error is added to it, redacted; what
any other program or a provider wrote is never part of it, because it may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar, cast

from ._generated.error_kinds import ADVICE, CLASSES
from ._generated.types import Turn
from ._redact import Launched, redact

T = TypeVar("T")


class ByokeyError(Exception):
    """The base of all errors."""


class RequestError(ByokeyError):
    """The server answered a request with an error."""


    def __init__(
        self,
        method: str,
        code: int,
        kind: str | None = None,
        *,
        path: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        server_message: str | None = None,
    ) -> None:
        known = f", {kind}" if kind in CLASS_OF_KIND else ""
        said = "" if server_message is None else f" {_sentence(server_message)}"
        super().__init__(f"`{method}` failed (code {code}{known}).{said} {advice_for(kind)}")
        self.method = method
        self.code = code
        self.kind = kind
        """The error kind: a word of the protocol, or of a newer version."""
        self.path = path
        """The path of the invalid parameter, as ``member.member``."""
        self.status = status
        """HTTP status of the backend."""
        self.request_id = request_id
        """The backend's id of the request."""
        self.server_message = server_message
        """What `byokey` said about it, redacted, for people; of other servers it is not kept."""


class SignInRequiredError(RequestError):
    """A login is needed."""



class RefreshFailedError(RequestError):
    """The backend refused the token, and no new one could be obtained from the token provider."""



class LoginError(RequestError):
    """A login or logout was refused."""



class BackendError(RequestError):
    """The backend failed or refused the request."""


    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind == "retryable"


class InvalidRequestError(RequestError):
    """The request itself is invalid."""



class TurnFailedError(ByokeyError):
    """A turn ended without an answer."""

    def __init__(self, thread_id: str, turn: Turn, server_message: str | None) -> None:
        kind = _kind_of(turn)
        how = "was interrupted" if turn.status == "interrupted" else "failed"
        known = "" if kind is None else f" ({kind})"
        said = "" if server_message is None else f" {_sentence(server_message)}"
        super().__init__(f"the turn {how}{known}.{said} {advice_for(kind)}")
        self.thread_id = thread_id
        self.turn = turn
        """The turn as it ended."""
        self.kind = kind
        """The kind of the error, or codex's word for it."""


class ProgramError(ByokeyError):
    """An error that says which program it is about. Nothing of it holds a secret."""

    def __init__(self, text: str, launched: Launched | None) -> None:
        super().__init__(text + ("" if launched is None else launched.log()))
        self.command = None if launched is None else launched.command
        """The path of the program."""
        self.arguments = () if launched is None else launched.args
        """Its arguments; values of settings are left out."""
        self.last_log = () if launched is None else launched.last_log
        """The last lines that it wrote to standard error, the latest last."""


class ConnectionClosedError(ProgramError):
    """The server is gone, or was closed."""

    def __init__(self, exit_status: int | None = None, launched: Launched | None = None) -> None:
        status = "" if exit_status is None else f" with exit status {exit_status}"
        shown = "" if launched is None else launched.shown()
        super().__init__(
            f"the connection to the server has ended{status}{shown}: spawn a new client, or have a "
            "`Supervisor` do that",
            launched,
        )
        self.exit_status = exit_status
        """Exit status of the server, negative for a signal, if it is known."""
        self.launched = launched


class ServerNotFoundError(ProgramError):
    """The program cannot be started, or is another one of the same name."""

    def __init__(
        self,
        searched: Sequence[str],
        problem: str = "cannot be started",
        launched: Launched | None = None,
    ) -> None:
        places = ", ".join(searched)
        shown = "" if launched is None else launched.shown()
        super().__init__(
            f"byokey {problem}{shown}; looked for it in: {places}. "
            "Install it, or name it with `command` or BYOKEY_BIN",
            launched,
        )
        self.searched = tuple(searched)
        """Where it was searched for, in order."""


class StartTimeoutError(ProgramError):
    """The program started, and did not answer the handshake in time. It was ended."""

    def __init__(self, seconds: float, launched: Launched | None = None) -> None:
        shown = "" if launched is None else launched.shown()
        super().__init__(
            f"the program did not answer `initialize` within {seconds:g} seconds and was "
            f"ended{shown}: see that `command` and `args` start `byokey app-server`; "
            "`start_timeout` gives it more time",
            launched,
        )


class TokenProviderError(ByokeyError):
    """A command provider failed, timed out, or printed something other than tokens."""


_CLASSES: dict[str, type[RequestError]] = {
    "SignInRequired": SignInRequiredError,
    "RefreshFailed": RefreshFailedError,
    "Login": LoginError,
    "Backend": BackendError,
    "InvalidRequest": InvalidRequestError,
}

CLASS_OF_KIND: dict[str, type[RequestError]] = {
    kind: _CLASSES[name] for kind, name in CLASSES.items()
}
"""The class of a kind. Any other kind is a plain `RequestError`."""

# Only values of the expected form are kept: a faulty server could write a secret here.
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}", re.ASCII)
_PATH = re.compile(r"[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}", re.ASCII)
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)

INTERNAL_ERROR = -32603
"""The code for invalid responses."""


def request_error(method: str, answer: object, is_trusted: bool = False) -> RequestError:
    """The error that an answer of the server means, whatever shape it has.

    The server's text is kept only if it can be trusted.
    """
    message = _member(answer, "message", str)
    code = _member(answer, "code", int)
    data = cast(object, _member(answer, "data", dict))
    kind = _text(data, "kind", _KIND)
    return CLASS_OF_KIND.get(kind or "", RequestError)(
        method,
        INTERNAL_ERROR if code is None else code,
        kind,
        path=_text(data, "path", _PATH),
        status=_member(data, "status", int),
        request_id=_text(data, "requestId", _REQUEST_ID),
        server_message=redact(message) if is_trusted and message else None,
    )


def advice_for(kind: str | None) -> str:
    """Returns one sentence for the host's author: what to do next."""
    return ADVICE.get(kind or "", "The reference of the protocol lists codes and kinds.")


def _kind_of(turn: Turn) -> str | None:
    if turn.error is None:
        return None
    kind: object = turn.error.kind or turn.error.codex_error_info
    return kind if isinstance(kind, str) and _KIND.fullmatch(kind) else None


def _sentence(text: str) -> str:
    return text if text[-1:] in ".!?…" else f"{text}."


def _member(value: object, name: str, kind: type[T]) -> T | None:
    found = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
    return found if type(found) is kind else None


def _text(value: object, name: str, form: re.Pattern[str]) -> str | None:
    found = _member(value, name, str)
    return found if found is not None and form.fullmatch(found) else None
