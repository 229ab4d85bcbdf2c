//! The one table of methods.
//!
//! Dispatch, schema, clients, reference and tests derive from it. To add a method, add a line
//! here and follow the compiler.

use crate::account::{
    AccountReadParams, AccountReadResult, AccountUpdated, GetAuthStatusParams, GetAuthStatusResult,
    LogoutParams,
};
use crate::bearer_token::{BearerToken, BearerTokenRefreshParams};
use crate::cancel::CancelRequestParams;
use crate::config::{ConfigReadParams, ConfigReadResult, ConfigRequirementsReadResult};
use crate::empty::Empty;
use crate::external_auth::{ExternalTokens, RefreshParams};
use crate::gateway::{GatewayStartParams, GatewayStartResult};
use crate::initialize::{InitializeParams, InitializeResult};
use crate::item::{AgentMessageDelta, ItemCompleted, ItemStarted};
use crate::limits::{
    RateLimitsReadParams, RateLimitsReadResult, RateLimitsUpdated, ResetCreditConsumeParams,
    ResetCreditConsumeResult,
};
use crate::login::{
    LoginCancelParams, LoginCancelResult, LoginCompleteParams, LoginCompleted, LoginStartParams,
    LoginStartResult,
};
use crate::models::{ModelListParams, ModelListResult};
use crate::thread::{
    ThreadLoadedListParams, ThreadLoadedListResult, ThreadResumeParams, ThreadStartParams,
    ThreadStartResult, ThreadStarted, ThreadStatusChanged, TokenUsageUpdated,
};
use crate::thread_lifecycle::{
    ThreadDeleteParams, ThreadGone, ThreadReadParams, ThreadReadResult, ThreadUnsubscribeParams,
    ThreadUnsubscribeResult,
};
use crate::tools::{
    PermissionProfileListParams, PermissionProfileListResult, SkillsListParams, SkillsListResult,
};
use crate::turn::{
    AuthRecovery, ErrorNotification, TurnInterruptParams, TurnNotification, TurnStartParams,
    TurnStartResult,
};
use crate::usage::{UsageReadParams, UsageReadResult};
use crate::warning::{ConfigWarning, Warning};

/// A request and its result.
pub trait Request {
    /// Name on the wire.
    const NAME: &'static str;
    /// Parameters.
    type Params;
    /// Result.
    type Result;
}

/// A request of the server to the client.
pub trait ServerRequest: Request {}

/// A notification.
pub trait Notification {
    /// Name on the wire.
    const NAME: &'static str;
    /// Parameters.
    type Params;
}

/// The sender of a method, and whether it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A request of the client.
    ClientRequest,
    /// A notification of the client.
    ClientNotification,
    /// A request of the server.
    ServerRequest,
    /// A notification of the server.
    ServerNotification,
}

/// Whether a method may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// It only gains optional members within a protocol version.
    Stable,
    /// Kept for older clients of codex.
    Deprecated,
}

/// One line of the table, without the types.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// Name on the wire.
    pub name: &'static str,
    /// Its sender.
    pub direction: Direction,
    /// Name of the type of its parameters.
    pub params: &'static str,
    /// Name of the type of its result; none for notifications.
    pub result: Option<&'static str>,
    /// Protocol version that introduced it.
    pub since: &'static str,
    /// Whether it may still change.
    pub stability: Stability,
    /// Its description.
    pub doc: &'static str,
}

/// Visits every type of the table, by [`visit_types`].
#[cfg(feature = "schema")]
pub trait TypeVisitor {
    /// A type that the server reads.
    fn read_by_server<T: schemars::JsonSchema>(&mut self);
    /// A type that the server writes, and clients read.
    fn written_by_server<T: schemars::JsonSchema + serde::de::DeserializeOwned>(&mut self);
}

macro_rules! methods {
    (
        client_requests { $( #[doc = $crd:literal] $crn:literal => $cr:ident($crp:ty) -> $crr:ty, $crv:literal, $crs:ident; )* }
        client_notifications { $( #[doc = $cnd:literal] $cnn:literal => $cn:ident($cnp:ty), $cnv:literal, $cns:ident; )* }
        server_requests { $( #[doc = $srd:literal] $srn:literal => $sr:ident($srp:ty) -> $srr:ty, $srv:literal, $srs:ident; )* }
        server_notifications { $( #[doc = $snd:literal] $snn:literal => $sn:ident($snp:ty), $snv:literal, $sns:ident; )* }
    ) => {
        $(
            #[doc = $crd]
            #[derive(Clone, Copy, Debug)]
            pub struct $cr;
            impl Request for $cr {
                const NAME: &'static str = $crn;
                type Params = $crp;
                type Result = $crr;
            }
        )*
        $(
            #[doc = $cnd]
            #[derive(Clone, Copy, Debug)]
            pub struct $cn;
            impl Notification for $cn {
                const NAME: &'static str = $cnn;
                type Params = $cnp;
            }
        )*
        $(
            #[doc = $srd]
            #[derive(Clone, Copy, Debug)]
            pub struct $sr;
            impl Request for $sr {
                const NAME: &'static str = $srn;
                type Params = $srp;
                type Result = $srr;
            }
            impl ServerRequest for $sr {}
        )*
        $(
            #[doc = $snd]
            #[derive(Clone, Copy, Debug)]
            pub struct $sn;
            impl Notification for $sn {
                const NAME: &'static str = $snn;
                type Params = $snp;
            }
        )*

        /// The requests of the client. A `match` over it is exhaustive, so no method is forgotten.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ClientRequest {
            $( #[doc = $crd] $cr, )*
        }

        impl ClientRequest {
            /// All requests, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$cr, )*];

            /// Returns the method of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $crn => Some(Self::$cr), )*
                    _ => None,
                }
            }

            /// Name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$cr => $crn, )*
                }
            }
        }

        /// The notifications of the client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ClientNotification {
            $( #[doc = $cnd] $cn, )*
        }

        impl ClientNotification {
            /// Returns the notification of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $cnn => Some(Self::$cn), )*
                    _ => None,
                }
            }
        }

        /// Visits the types of all parameters and results, in the order of the table, and last
        /// those of errors.
        #[cfg(feature = "schema")]
        pub fn visit_types(visitor: &mut impl TypeVisitor) {
            $( visitor.read_by_server::<$crp>(); visitor.written_by_server::<$crr>(); )*
            $( visitor.read_by_server::<$cnp>(); )*
            $( visitor.written_by_server::<$srp>(); visitor.read_by_server::<$srr>(); )*
            $( visitor.written_by_server::<$snp>(); )*
            visitor.written_by_server::<crate::error::ErrorData>();
        }

        /// Every method, in the order of the table.
        pub const METHODS: &[MethodInfo] = &[
            $( info($crn, Direction::ClientRequest, stringify!($crp), Some(stringify!($crr)), $crv, Stability::$crs, $crd), )*
            $( info($cnn, Direction::ClientNotification, stringify!($cnp), None, $cnv, Stability::$cns, $cnd), )*
            $( info($srn, Direction::ServerRequest, stringify!($srp), Some(stringify!($srr)), $srv, Stability::$srs, $srd), )*
            $( info($snn, Direction::ServerNotification, stringify!($snp), None, $snv, Stability::$sns, $snd), )*
        ];
    };
}

const fn info(
    name: &'static str,
    direction: Direction,
    params: &'static str,
    result: Option<&'static str>,
    since: &'static str,
    stability: Stability,
    doc: &'static str,
) -> MethodInfo {
    MethodInfo {
        name,
        direction,
        params,
        result,
        since,
        stability,
        doc,
    }
}

methods! {
    client_requests {
        /// Opens the connection, and exchanges names, versions and capabilities.
        "initialize" => Initialize(InitializeParams) -> InitializeResult, "1", Stable;
        /// Starts a login. Tokens and keys are in force when it is answered.
        "account/login/start" => LoginStart(LoginStartParams) -> LoginStartResult, "1", Stable;
        /// Cancels a pending login.
        "account/login/cancel" => LoginCancel(LoginCancelParams) -> LoginCancelResult, "1", Stable;
        /// Completes a browser login with the address that the browser was redirected to.
        "account/login/complete" => LoginComplete(LoginCompleteParams) -> Empty, "1", Stable;
        /// Drops the credential. It never waits, not even for a refresh in flight.
        "account/logout" => Logout(LogoutParams) -> Empty, "1", Stable;
        /// Returns the account, without network requests.
        "account/read" => AccountRead(AccountReadParams) -> AccountReadResult, "1", Stable;
        /// Returns the auth mode and, on request, the token.
        "getAuthStatus" => GetAuthStatus(GetAuthStatusParams) -> GetAuthStatusResult, "1", Deprecated;
        /// Reads the rate limits of a ChatGPT account from the backend.
        "account/rateLimits/read" => RateLimitsRead(RateLimitsReadParams) -> RateLimitsReadResult, "1", Stable;
        /// Spends a credit that resets the reached rate limits of a ChatGPT account.
        "account/rateLimitResetCredit/consume" => ResetCreditConsume(ResetCreditConsumeParams) -> ResetCreditConsumeResult, "1", Stable;
        /// Reads the token usage of a ChatGPT account from the backend.
        "account/usage/read" => UsageRead(UsageReadParams) -> UsageReadResult, "1", Stable;
        /// Starts the gateway of this connection, which ends with it: an address of this machine where other programs use the login. A host's login is for its supplier only.
        "gateway/start" => GatewayStart(GatewayStartParams) -> GatewayStartResult, "1", Stable;
        /// Ends the gateway of this connection.
        "gateway/stop" => GatewayStop(Empty) -> Empty, "1", Stable;
        /// Lists the available models of the backend.
        "model/list" => ModelList(ModelListParams) -> ModelListResult, "1", Stable;
        /// Returns the settings in force that contain no secret.
        "config/read" => ConfigRead(ConfigReadParams) -> ConfigReadResult, "1", Stable;
        /// Returns the requirements of the configuration.
        "configRequirements/read" => ConfigRequirementsRead(Empty) -> ConfigRequirementsReadResult, "1", Stable;
        /// Lists permission profiles: none, because there are no tools.
        "permissionProfile/list" => PermissionProfileList(PermissionProfileListParams) -> PermissionProfileListResult, "1", Stable;
        /// Lists the skills of folders: none, because there are no tools.
        "skills/list" => SkillsList(SkillsListParams) -> SkillsListResult, "1", Stable;
        /// Starts a text conversation, in memory.
        "thread/start" => ThreadStart(ThreadStartParams) -> ThreadStartResult, "1", Stable;
        /// Resumes a thread of this process.
        "thread/resume" => ThreadResume(ThreadResumeParams) -> ThreadStartResult, "1", Stable;
        /// Lists the threads of this process.
        "thread/loaded/list" => ThreadLoadedList(ThreadLoadedListParams) -> ThreadLoadedListResult, "1", Stable;
        /// Reads a thread that this connection started or resumed.
        "thread/read" => ThreadRead(ThreadReadParams) -> ThreadReadResult, "1", Stable;
        /// Unsubscribes from a thread, which is unloaded after a minute without subscribers and turns.
        "thread/unsubscribe" => ThreadUnsubscribe(ThreadUnsubscribeParams) -> ThreadUnsubscribeResult, "1", Stable;
        /// Deletes a thread that this connection started or resumed, and interrupts its turn.
        "thread/delete" => ThreadDelete(ThreadDeleteParams) -> Empty, "1", Stable;
        /// Starts a turn in a thread; the answer is streamed in notifications.
        "turn/start" => TurnStart(TurnStartParams) -> TurnStartResult, "1", Stable;
        /// Interrupts a turn.
        "turn/interrupt" => TurnInterrupt(TurnInterruptParams) -> Empty, "1", Stable;
    }
    client_notifications {
        /// Ends the handshake. Accepted, but not required.
        "initialized" => Initialized(Empty), "1", Stable;
        /// Cancels a request in flight, which is answered with an error at once.
        "$/cancelRequest" => CancelRequest(CancelRequestParams), "1", Stable;
    }
    server_requests {
        /// Requests new tokens from the host.
        "account/chatgptAuthTokens/refresh" => Refresh(RefreshParams) -> ExternalTokens, "1", Stable;
        /// Requests a new bearer token from the host that logged in with one. Where it does not know the method, the calls fail as `hostRefused`.
        "account/bearerToken/refresh" => BearerTokenRefresh(BearerTokenRefreshParams) -> BearerToken, "1", Stable;
    }
    server_notifications {
        /// The credential, the account or its plan changed.
        "account/updated" => AccountUpdatedNotification(AccountUpdated), "1", Stable;
        /// A login ended.
        "account/login/completed" => LoginCompletedNotification(LoginCompleted), "1", Stable;
        /// The backend reported new rate limits.
        "account/rateLimits/updated" => RateLimitsUpdatedNotification(RateLimitsUpdated), "1", Stable;
        /// A thread was created.
        "thread/started" => ThreadStartedNotification(ThreadStarted), "1", Stable;
        /// A thread became active or idle, or is not loaded any more.
        "thread/status/changed" => ThreadStatusChangedNotification(ThreadStatusChanged), "1", Stable;
        /// A thread was unloaded: its last subscriber let it go, or others needed the room.
        "thread/closed" => ThreadClosedNotification(ThreadGone), "1", Stable;
        /// A thread was deleted.
        "thread/deleted" => ThreadDeletedNotification(ThreadGone), "1", Stable;
        /// A turn started.
        "turn/started" => TurnStartedNotification(TurnNotification), "1", Stable;
        /// An item started.
        "item/started" => ItemStartedNotification(ItemStarted), "1", Stable;
        /// A delta of the model's message.
        "item/agentMessage/delta" => AgentMessageDeltaNotification(AgentMessageDelta), "1", Stable;
        /// An item is complete.
        "item/completed" => ItemCompletedNotification(ItemCompleted), "1", Stable;
        /// The backend reported the tokens used.
        "thread/tokenUsage/updated" => TokenUsageUpdatedNotification(TokenUsageUpdated), "1", Stable;
        /// A turn ended, successfully or not.
        "turn/completed" => TurnCompletedNotification(TurnNotification), "1", Stable;
        /// A turn failed, or is retried.
        "error" => TurnErrorNotification(ErrorNotification), "1", Stable;
        /// A turn waits for a login that was refused and is being renewed.
        "modelProvider/authRecoveryStarted" => AuthRecoveryStartedNotification(AuthRecovery), "1", Stable;
        /// The login is renewed, and the turn goes on. After a failed renewal the turn ends instead.
        "modelProvider/authRecoveryCompleted" => AuthRecoveryCompletedNotification(AuthRecovery), "1", Stable;
        /// A warning for the user.
        "warning" => WarningNotification(Warning), "1", Stable;
        /// A problem in the configuration.
        "configWarning" => ConfigWarningNotification(ConfigWarning), "1", Stable;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ClientRequest, METHODS};

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
        for method in ClientRequest::ALL {
            assert_eq!(ClientRequest::from_name(method.name()), Some(*method));
        }
    }
}
