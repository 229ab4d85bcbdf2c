//! Error responses: the code, and the kind for hosts.

use serde::{Deserialize, Serialize};

use crate::login::{
    EXPIRES_AT_TYPE, LABEL_TYPE, ORIGIN_TYPE, ROUTING_TYPE, TOKEN_TYPE, UNKNOWN_LOGIN_TYPE,
};

/// Invalid JSON.
pub const PARSE_ERROR: i32 = -32700;
/// Not a message, or refused by a rule. codex answers nearly every refusal with this code.
pub const INVALID_REQUEST: i32 = -32600;
/// Unknown method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters do not match the method's type.
pub const INVALID_PARAMS: i32 = -32602;
/// The server or the backend failed.
pub const INTERNAL_ERROR: i32 = -32603;
/// The request was cancelled by `$/cancelRequest` (the code of the Language Server Protocol).
pub const REQUEST_CANCELLED: i32 = -32800;
/// Too many requests are in flight on this connection.
pub const OVERLOADED: i32 = -32001;

/// Fixed texts that errors in parameters may contain: the member in backticks, and the problem.
/// Other texts of errors are never sent, because they may quote the input.
pub const PARAMS_PROBLEMS: &[&str] = &[
    UNKNOWN_LOGIN_TYPE,
    TOKEN_TYPE,
    ORIGIN_TYPE,
    EXPIRES_AT_TYPE,
    LABEL_TYPE,
    ROUTING_TYPE,
];

/// The problem of a member that holds more than is read of one.
pub const TOO_LARGE: &str = "is too large";

/// The kind of an error, in `error.data.kind`. Hosts match on this and never on texts.
///
/// The list grows; a client treats an unknown kind like an absent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ErrorKind {
    /// The parameters do not match the method's type; `path` is the place.
    InvalidParams,
    /// A request preceded `initialize`.
    NotInitialized,
    /// A second `initialize`.
    AlreadyInitialized,
    /// `clientInfo.name` cannot be sent as an HTTP header.
    InvalidClientName,
    /// The id is that of another request in flight.
    DuplicateId,
    /// The message is longer than the limit of this server.
    MessageTooLong,
    /// The framing of the message is invalid.
    BadFrame,
    /// The request was cancelled.
    Cancelled,
    /// Too many requests are in flight, or they and their answers take too much memory.
    Overloaded,
    /// No credential is in force.
    AuthRequired,
    /// A ChatGPT credential is needed; an API key is in force.
    ChatgptAuthRequired,
    /// The configuration forbids this kind of login.
    LoginDisabled,
    /// The configuration is unusable; repair the setting named in the text, then try again.
    ConfigurationInvalid,
    /// The thread belongs to another account than the one in force, and the connection that owns
    /// the thread did not change it.
    AccountChanged,
    /// The host owns the login; only it may change it.
    ExternalAuthActive,
    /// The account is not among the allowed workspaces, or not the required account.
    WorkspaceMismatch,
    /// The bearer token is for another origin than the selected model provider.
    OriginMismatch,
    /// The token is not a JSON Web Token that can be sent.
    InvalidToken,
    /// The credential was refused and cannot be renewed; a new login is needed.
    ReauthRequired,
    /// The host answered the refresh request with an error.
    HostRefused,
    /// The host did not answer the refresh request in time.
    HostTimeout,
    /// No host is connected that could answer the refresh request.
    HostGone,
    /// The host's answer to the refresh request does not have the expected type.
    HostAnswerInvalid,
    /// A transient failure of the backend; try again later.
    Retryable,
    /// The backend refused the request; trying again does not help.
    BackendRefused,
    /// The plan's usage limit is reached.
    UsageLimitExceeded,
    /// The conversation is too long for the model, or for the backend.
    ContextWindowExceeded,
    /// The backend refused the request under one of its policies.
    PolicyRefused,
    /// The model does not exist, is not in the plan, or needs a newer client.
    ModelUnavailable,
    /// The workspace is deactivated, or the account may not use it.
    WorkspaceRefused,
    /// The backend does not serve this region or country; a new token does not help.
    RegionRefused,
    /// The workspace is bound to a region, and where its model calls go is not known.
    WorkspaceRoutingUnavailable,
    /// The network's edge demands a browser; a new token does not help.
    Challenged,
    /// The backend's response exceeds a limit of this program.
    AnswerTooLarge,
    /// This server does not support the request.
    Unsupported,
    /// A managed login failed.
    LoginFailed,
    /// A port is in use: those of the browser login, or that of a gateway.
    PortUnavailable,
    /// The store of credentials cannot be read or written.
    StoreFailed,
    /// No such thread, turn or login.
    NotFound,
    /// The thread has a turn in progress.
    TurnInProgress,
    /// There is no connection to the backend or the issuer; the text names the cause.
    Unreachable,
    /// A secret would have been sent unencrypted to another machine, so it was not sent.
    PlaintextRefused,
    /// The command that prints the provider's token failed, so the request was not sent; the text
    /// names the provider and the cause.
    TokenCommandFailed,
}

/// The `data` member of an error response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The path of the invalid parameter, as `member.member`. Never the value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// HTTP status of the backend.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// The backend's request id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
}

impl From<ErrorKind> for ErrorData {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind,
            path: None,
            status: None,
            request_id: None,
        }
    }
}
