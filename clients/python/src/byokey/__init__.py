"""Client of `byokey app-server`: the host owns the login, the server puts it to use."""

from . import methods, types
from ._generated.types import (
    BearerToken,
    BearerTokenRefreshParams,
    ClientCapabilities,
    ClientInfo,
    ExternalTokens,
    RefreshParams,
)
from ._run import DeviceCode, RunResult
from ._secret import Secret
from .account import AccountState
from .client import ByokeyClient
from .errors import (
    BackendError,
    ByokeyError,
    ConnectionClosedError,
    InvalidRequestError,
    LoginError,
    RefreshFailedError,
    RequestError,
    ServerNotFoundError,
    SignInRequiredError,
    StartTimeoutError,
    TokenProviderError,
    TurnFailedError,
)
from .events import Event, EventStream, UnknownEvent
from .providers import BearerTokenProvider, TokenProvider, command_tokens
from .supervisor import BearerLogin, CloseAction, Restart, ServerEnd, Supervisor

__all__ = [
    "AccountState",
    "BackendError",
    "BearerLogin",
    "BearerToken",
    "BearerTokenProvider",
    "BearerTokenRefreshParams",
    "ByokeyClient",
    "ByokeyError",
    "ClientCapabilities",
    "ClientInfo",
    "CloseAction",
    "ConnectionClosedError",
    "DeviceCode",
    "Event",
    "EventStream",
    "ExternalTokens",
    "InvalidRequestError",
    "LoginError",
    "RefreshFailedError",
    "RefreshParams",
    "RequestError",
    "Restart",
    "RunResult",
    "Secret",
    "ServerEnd",
    "ServerNotFoundError",
    "SignInRequiredError",
    "StartTimeoutError",
    "Supervisor",
    "TokenProvider",
    "TokenProviderError",
    "TurnFailedError",
    "UnknownEvent",
    "command_tokens",
    "methods",
    "types",
]


def __getattr__(name: str) -> str:
    """`__version__` is that of the installed package."""
    if name == "__version__":
        from importlib.metadata import version

        return version("byokey")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
