//! Tokens that the host owns: their type, and the request for new ones.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::member::Member;
use crate::open::Open;
use crate::secret::{Secret, expose_on_the_wire, expose_optional_on_the_wire};
use crate::workspace_routing::WorkspaceRouting;

/// ChatGPT tokens from the host, at login and in the answer to a refresh request.
///
/// Both of codex's forms are accepted: `{accessToken, chatgptAccountId, chatgptPlanType?}`, and
/// `{idToken, accessToken}` from its first weeks, with account, plan and email in the id token.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExternalTokens {
    /// A JSON Web Token, sent to the backend as bearer. Its signature is not checked.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub access_token: Secret,
    /// The workspace. It takes precedence over the token's claims. Required unless `idToken` is
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chatgpt_account_id: Option<String>,
    /// The plan, if it differs from the token's claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<crate::account::PlanType>")
    )]
    pub chatgpt_plan_type: Option<String>,
    /// Only in the first form: the token with account, plan and email.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "expose_optional_on_the_wire"
    )]
    pub id_token: Option<Secret>,
    /// Where the model calls of the workspace go, if the host knows it: the server then asks the
    /// backend for nothing. codex has no such member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_routing: Option<WorkspaceRouting>,
}

/// The members of [`ExternalTokens`] as received.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenFields<'a> {
    pub(crate) access_token: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    #[serde(borrow)]
    pub(crate) chatgpt_account_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) chatgpt_plan_type: Option<Cow<'a, str>>,
    // Good tokens are not lost to a routing that cannot be used.
    #[serde(default)]
    pub(crate) workspace_routing: Member<WorkspaceRouting>,
}

impl TryFrom<TokenFields<'_>> for ExternalTokens {
    /// Name of the missing member.
    type Error = &'static str;

    fn try_from(fields: TokenFields<'_>) -> Result<Self, &'static str> {
        let access_token = fields.access_token.ok_or("accessToken")?;
        if fields.chatgpt_account_id.is_none() && fields.id_token.is_none() {
            return Err("chatgptAccountId");
        }
        Ok(Self {
            access_token,
            chatgpt_account_id: fields.chatgpt_account_id.map(Cow::into_owned),
            chatgpt_plan_type: fields.chatgpt_plan_type.map(Cow::into_owned),
            id_token: fields.id_token,
            workspace_routing: fields.workspace_routing.usable(),
        })
    }
}

impl<'de> Deserialize<'de> for ExternalTokens {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TokenFields::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::missing_field)
    }
}

/// Parameters of `account/chatgptAuthTokens/refresh`, a request of the server to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RefreshParams {
    /// The reason for the request.
    pub reason: Open<RefreshReason>,
    /// The account of the tokens in use, so that a host with several workspaces selects the right
    /// one.
    pub previous_account_id: Option<String>,
}

/// The reason for requesting new tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RefreshReason {
    /// The backend answered 401.
    Unauthorized,
    /// The token expires within a minute, or a bearer token within five minutes. Sent only to clients
    /// that declare `proactiveRefresh`.
    Expiring,
}

#[cfg(test)]
mod tests {
    use super::ExternalTokens;

    #[test]
    fn both_forms_are_read() {
        let today: ExternalTokens = serde_json::from_str(
            r#"{"accessToken":"a.b.c","chatgptAccountId":"ws-1","chatgptPlanType":null}"#,
        )
        .unwrap();
        assert_eq!(today.chatgpt_account_id.as_deref(), Some("ws-1"));
        let first: ExternalTokens =
            serde_json::from_str(r#"{"accessToken":"a.b.c","idToken":"d.e.f"}"#).unwrap();
        assert!(first.id_token.is_some());
    }

    #[test]
    fn the_missing_member_is_named() {
        let missing = |text| {
            serde_json::from_str::<ExternalTokens>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(missing("{}").contains("accessToken"));
        assert!(missing(r#"{"accessToken":"made.up.token"}"#).contains("chatgptAccountId"));
    }
}
