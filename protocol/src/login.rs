//! Logins: start, cancellation, and the notification of their end.

use std::borrow::Cow;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::bearer_token::BearerTokenLogin;
use crate::external_auth::{ExternalTokens, TokenFields};
use crate::member::{Member, Seconds};
use crate::open::Open;
use crate::secret::{Secret, expose_on_the_wire};
use crate::workspace_routing::WorkspaceRouting;

/// Parameters of `account/login/start`, tagged by `type`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum LoginStartParams {
    /// Tokens that the host owns and refreshes. They are held in memory only.
    ChatgptAuthTokens(ExternalTokens),
    /// An OpenAI API key.
    ApiKey {
        /// The key.
        #[serde(serialize_with = "expose_on_the_wire")]
        api_key: Secret,
    },
    /// A managed login in the browser.
    Chatgpt {},
    /// A managed login with a code that the user enters on another device.
    ChatgptDeviceCode {},
    /// A personal access token (`at-…`).
    PersonalAccessToken {
        /// The token.
        #[serde(serialize_with = "expose_on_the_wire")]
        access_token: Secret,
    },
    /// A bearer token for the configured provider, which the host owns and refreshes. It is held in
    /// memory only, and sent to its `origin` only.
    BearerToken(BearerTokenLogin),
}

/// The members of all logins.
///
/// The variants are read through this one plain struct: an internally tagged enum would buffer the
/// tokens in memory that is not wiped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginFields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    api_key: Option<Secret>,
    access_token: Option<Secret>,
    id_token: Option<Secret>,
    #[serde(borrow)]
    chatgpt_account_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    chatgpt_plan_type: Option<Cow<'a, str>>,
    // Of bearer tokens, and ours alone: hosts of codex may send anything under these names.
    #[serde(default)]
    token: Member<Secret>,
    #[serde(default)]
    origin: Member<String>,
    #[serde(default)]
    expires_at: Member<Seconds>,
    #[serde(default)]
    label: Member<String>,
    // Of host-owned tokens, and ours alone.
    #[serde(default)]
    workspace_routing: Member<WorkspaceRouting>,
}

impl<'de> Deserialize<'de> for LoginStartParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = LoginFields::deserialize(deserializer)?;
        let required = |secret: Option<Secret>, name| secret.ok_or(D::Error::missing_field(name));
        match fields.kind.as_ref() {
            "chatgptAuthTokens" => TokenFields {
                access_token: fields.access_token,
                id_token: fields.id_token,
                chatgpt_account_id: fields.chatgpt_account_id,
                chatgpt_plan_type: fields.chatgpt_plan_type,
                workspace_routing: fields.workspace_routing.unless_odd(ROUTING_TYPE)?,
            }
            .try_into()
            .map(Self::ChatgptAuthTokens)
            .map_err(D::Error::missing_field),
            "apiKey" => Ok(Self::ApiKey {
                api_key: required(fields.api_key, "apiKey")?,
            }),
            "chatgpt" => Ok(Self::Chatgpt {}),
            "chatgptDeviceCode" => Ok(Self::ChatgptDeviceCode {}),
            "personalAccessToken" => Ok(Self::PersonalAccessToken {
                access_token: required(fields.access_token, "accessToken")?,
            }),
            "bearerToken" => Ok(Self::BearerToken(BearerTokenLogin {
                token: required(fields.token.checked(TOKEN_TYPE)?, "token")?,
                origin: fields
                    .origin
                    .checked(ORIGIN_TYPE)?
                    .ok_or(D::Error::missing_field("origin"))?,
                expires_at: fields
                    .expires_at
                    .checked(EXPIRES_AT_TYPE)?
                    .map(|seconds| seconds.0),
                label: fields.label.checked(LABEL_TYPE)?,
            })),
            _ => Err(D::Error::custom(UNKNOWN_LOGIN_TYPE)),
        }
    }
}

/// The problem of a login with an unknown `type`.
pub const UNKNOWN_LOGIN_TYPE: &str = "`type` must be one of `chatgptAuthTokens`, `apiKey`, \
     `chatgpt`, `chatgptDeviceCode`, `personalAccessToken`, `bearerToken`";

/// The problem of a bearer token that is not a string.
pub const TOKEN_TYPE: &str = "`token` has the wrong type";
/// The problem of an origin that is not a string.
pub const ORIGIN_TYPE: &str = "`origin` has the wrong type";
/// The problem of an expiry that is not a number.
pub const EXPIRES_AT_TYPE: &str = "`expiresAt` has the wrong type";
/// The problem of a label that is not a string.
pub const LABEL_TYPE: &str = "`label` has the wrong type";
/// The problem of a routing without its members, or with members of other types.
pub const ROUTING_TYPE: &str = "`workspaceRouting` has the wrong type";

/// Result of `account/login/start`, with the `type` of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum LoginStartResult {
    /// The host's tokens are in force.
    ChatgptAuthTokens {},
    /// The key is in force.
    ApiKey {},
    /// The browser login is pending.
    Chatgpt {
        /// The id of the login, for `account/login/cancel`. A UUID.
        login_id: String,
        /// The page to open.
        auth_url: String,
    },
    /// The device login is pending.
    ChatgptDeviceCode {
        /// The id of the login, for `account/login/cancel`. A UUID.
        login_id: String,
        /// The page to open.
        verification_url: String,
        /// The code to enter there.
        user_code: String,
    },
    /// The personal access token is in force.
    PersonalAccessToken {},
    /// The host's bearer token is in force.
    BearerToken {},
}

/// Parameters of `account/login/cancel`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginCancelParams {
    /// The login to cancel. A UUID.
    pub login_id: String,
}

/// Result of `account/login/cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginCancelResult {
    /// Whether there was such a login.
    pub status: Open<CancelStatus>,
}

/// Whether there was a login to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CancelStatus {
    /// It was pending, and is cancelled.
    Canceled,
    /// No pending login has that id.
    NotFound,
}

/// Parameters of `account/login/complete`, for users whose browser runs on another machine.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginCompleteParams {
    /// The pending browser login. A UUID.
    pub login_id: String,
    /// The address that the browser was redirected to. It contains a code.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub redirect_url: Secret,
}

/// Parameters of the notification `account/login/completed`, sent at the end of every login that
/// was answered with a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginCompleted {
    /// The login, or null for those that complete at once.
    pub login_id: Option<String>,
    /// Whether the credential is now in force.
    pub success: bool,
    /// The error, if it failed.
    pub error: Option<String>,
}
