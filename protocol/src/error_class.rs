//! Error classes of the clients, and the advice for each kind.
//!
//! Every client library has the same classes of errors and the same advice. Both are generated from
//! here, so that a new kind is classified once.

use crate::error::ErrorKind;

/// The class of an error in the client libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// A login is needed.
    SignInRequired,
    /// The token provider did not supply new tokens.
    RefreshFailed,
    /// A login or logout was refused.
    Login,
    /// The backend failed or refused the request.
    Backend,
    /// The request itself is invalid.
    InvalidRequest,
}

impl ErrorClass {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::SignInRequired,
        Self::RefreshFailed,
        Self::Login,
        Self::Backend,
        Self::InvalidRequest,
    ];

    /// Returns its name; the clients add `Error` or `Exception`, as is the custom of their
    /// language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignInRequired => "SignInRequired",
            Self::RefreshFailed => "RefreshFailed",
            Self::Login => "Login",
            Self::Backend => "Backend",
            Self::InvalidRequest => "InvalidRequest",
        }
    }
}

impl ErrorKind {
    /// Returns the class of the error; `None` for a call cancelled by its caller.
    #[must_use]
    pub const fn class(self) -> Option<ErrorClass> {
        Some(match self {
            Self::Cancelled => return None,
            Self::AuthRequired | Self::ChatgptAuthRequired | Self::ReauthRequired => {
                ErrorClass::SignInRequired
            }
            Self::HostRefused
            | Self::HostTimeout
            | Self::HostGone
            | Self::HostAnswerInvalid
            | Self::TokenCommandFailed => ErrorClass::RefreshFailed,
            Self::LoginDisabled
            | Self::ExternalAuthActive
            | Self::WorkspaceMismatch
            | Self::OriginMismatch
            | Self::InvalidToken
            | Self::LoginFailed
            | Self::PortUnavailable
            | Self::StoreFailed => ErrorClass::Login,
            Self::Retryable
            | Self::Unreachable
            | Self::BackendRefused
            | Self::PlaintextRefused
            | Self::UsageLimitExceeded
            | Self::ContextWindowExceeded
            | Self::PolicyRefused
            | Self::ModelUnavailable
            | Self::WorkspaceRefused
            | Self::RegionRefused
            | Self::WorkspaceRoutingUnavailable
            | Self::Challenged
            | Self::AnswerTooLarge => ErrorClass::Backend,
            Self::InvalidParams
            | Self::NotInitialized
            | Self::AlreadyInitialized
            | Self::InvalidClientName
            | Self::DuplicateId
            | Self::MessageTooLong
            | Self::BadFrame
            | Self::Overloaded
            | Self::Unsupported
            | Self::NotFound
            | Self::TurnInProgress
            | Self::ConfigurationInvalid
            | Self::AccountChanged => ErrorClass::InvalidRequest,
        })
    }

    /// Returns one sentence of advice for the author of a host. Names in backticks are those of the
    /// client libraries in camel case.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::AuthRequired => "No account is signed in: call `login`.",
            Self::ChatgptAuthRequired => {
                "This needs a ChatGPT account, and an API key is in force: call `login` with tokens."
            }
            Self::ReauthRequired => {
                "The login was refused and cannot be renewed: have the user sign in again."
            }
            Self::HostRefused => {
                "The token provider failed; what it said stayed in the host. Ask it directly to see why."
            }
            Self::HostTimeout => {
                "The token provider took too long; `authRefreshTimeoutMs` of the capabilities gives it more time."
            }
            Self::HostGone => "No client is connected that could supply new tokens.",
            Self::HostAnswerInvalid => {
                "The token provider has to give an access token and its account, both of the same account."
            }
            Self::TokenCommandFailed => {
                "The token command of the configuration failed: the text says how, and the server's log has what it wrote."
            }
            Self::LoginDisabled => "The server's configuration forbids this kind of login.",
            Self::ExternalAuthActive => "The host owns the login: call `logout` first.",
            Self::WorkspaceMismatch => {
                "This account is not one of those that are allowed: sign in with another."
            }
            Self::OriginMismatch => {
                "The token is for another recipient: select the provider that it is for, or give that provider's origin."
            }
            Self::InvalidToken => "The token cannot be used: get a new one.",
            Self::LoginFailed => "Start the login again.",
            Self::PortUnavailable => {
                "The port is taken: end what uses it; or take a device code for a login, and another port for a gateway."
            }
            Self::StoreFailed => {
                "The server cannot read or write its store: see its log on standard error."
            }
            Self::Retryable => "The same call may succeed later.",
            Self::Unreachable => {
                "There is no connection to the backend or the issuer: check the network and the proxy settings."
            }
            Self::BackendRefused => "The backend refused it; the same call will fail again.",
            Self::PlaintextRefused => {
                "The address is not https:// and not on this machine: no secret is sent there."
            }
            Self::UsageLimitExceeded => {
                "The plan's limit is reached: `readRateLimits` says when it is reset."
            }
            Self::ContextWindowExceeded => {
                "The conversation is too long for the model: start a new thread."
            }
            Self::PolicyRefused => {
                "The backend refused the request under a policy: have the user rephrase it."
            }
            Self::ModelUnavailable => {
                "The model is not available: choose one of `listModels`, or update the server."
            }
            Self::WorkspaceRefused => {
                "The workspace is deactivated or closed to this account: sign in to another."
            }
            Self::RegionRefused => {
                "The backend does not serve this network's region: check VPN and proxy. A new token does not help."
            }
            Self::WorkspaceRoutingUnavailable => {
                "The workspace is bound to a region, and where its calls go is not known yet: try again in a minute, or `login` with `workspaceRouting`."
            }
            Self::Challenged => {
                "The network's edge wants a browser: try another network. A new token does not help."
            }
            Self::AnswerTooLarge => "The backend's answer is over a limit of the server.",
            Self::InvalidParams => "The parameters do not have the method's shape.",
            Self::NotInitialized => "The handshake has to come first.",
            Self::AlreadyInitialized => "The handshake is done once, by `spawn`.",
            Self::InvalidClientName => {
                "The name of the host has to be printable ASCII, because it is sent as a header."
            }
            Self::DuplicateId => "The id is in use by another request.",
            Self::MessageTooLong => "The message is longer than the server takes.",
            Self::BadFrame => "The message was not framed as the server expects.",
            Self::Overloaded => "Too much is in progress at once: wait for some of it to end.",
            Self::Unsupported => "This server does not do that.",
            Self::NotFound => "There is no such thread, turn or login in this server.",
            Self::TurnInProgress => {
                "The thread has a turn in progress: wait for its end, or call `interruptTurn`."
            }
            Self::ConfigurationInvalid => {
                "Repair the setting or the file that the server names; it is read again at the next try."
            }
            Self::AccountChanged => {
                "The conversation belongs to another account: start a new thread."
            }
            Self::Cancelled => "The call was given up.",
        }
    }
}
