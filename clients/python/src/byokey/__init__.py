"""Client of `byokey app-server`: the host owns the login, the server puts it to use."""

from . import methods, types
from ._generated.types import ClientCapabilities, ClientInfo, ExternalTokens, RefreshParams
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
)
from .events import Event, EventStream, UnknownEvent
from .providers import TokenProvider, command_tokens

__all__ = [
    "AccountState",
    "BackendError",
    "ByokeyClient",
    "ByokeyError",
    "ClientCapabilities",
    "ClientInfo",
    "ConnectionClosedError",
    "Event",
    "EventStream",
    "ExternalTokens",
    "InvalidRequestError",
    "LoginError",
    "RefreshFailedError",
    "RefreshParams",
    "RequestError",
    "Secret",
    "ServerNotFoundError",
    "SignInRequiredError",
    "StartTimeoutError",
    "TokenProvider",
    "TokenProviderError",
    "UnknownEvent",
    "command_tokens",
    "methods",
    "types",
]
