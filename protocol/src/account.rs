//! The account: the public part of the credential in force, and its changes.

use serde::{Deserialize, Serialize};

use crate::open::Open;
use crate::secret::{Secret, expose_optional_on_the_wire};
use crate::workspace_routing::WorkspaceRouting;

/// The kind of the credential in force.
///
/// The spelling is codex's: the mode of an API key is `apikey`, its account type and login type are
/// `apiKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AuthMode {
    /// An OpenAI API key.
    #[serde(rename = "apikey")]
    ApiKey,
    /// A ChatGPT login that this server runs and refreshes.
    Chatgpt,
    /// Tokens that the host supplies and refreshes.
    ChatgptAuthTokens,
    /// A personal access token.
    PersonalAccessToken,
    /// A bearer token for the configured provider, which the host supplies and refreshes.
    BearerToken,
}

/// The plan of a ChatGPT account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanType {
    /// ChatGPT Free.
    Free,
    /// ChatGPT Go.
    Go,
    /// ChatGPT Plus.
    Plus,
    /// ChatGPT Pro.
    Pro,
    /// The smaller Pro plan.
    #[serde(rename = "prolite")]
    ProLite,
    /// ChatGPT Team.
    Team,
    /// Business, billed by usage and bought without a sales contact.
    SelfServeBusinessUsageBased,
    /// ChatGPT Business.
    Business,
    /// Enterprise, billed by usage.
    EnterpriseCbpUsageBased,
    /// ChatGPT Enterprise.
    Enterprise,
    /// ChatGPT Edu.
    Edu,
    /// A plan that codex calls `promax`.
    #[serde(rename = "promax")]
    ProMax,
    /// A plan that codex calls `edu_plus`.
    EduPlus,
    /// A plan that codex calls `edu_pro`.
    EduPro,
    /// A plan that codex calls `sci`.
    Sci,
    /// A plan that codex calls `sci_plus`.
    SciPlus,
    /// A plan that codex calls `ent26`.
    Ent26,
    /// A plan that codex calls `enterprise_cbp_automation`.
    EnterpriseCbpAutomation,
    /// A plan that codex calls `self_serve_business_prolite`.
    #[serde(rename = "self_serve_business_prolite")]
    SelfServeBusinessProLite,
    /// An unknown plan, or none.
    #[default]
    Unknown,
}

impl PlanType {
    /// Parses a plan as spelled by backends and tokens: case is ignored, `hc` and `education` are
    /// aliases, and everything else is [`PlanType::Unknown`].
    #[must_use]
    pub fn from_raw(raw: &str) -> Self {
        match raw.to_ascii_lowercase().as_str() {
            "free" => Self::Free,
            "go" => Self::Go,
            "plus" => Self::Plus,
            "pro" => Self::Pro,
            "prolite" => Self::ProLite,
            "team" => Self::Team,
            "self_serve_business_usage_based" => Self::SelfServeBusinessUsageBased,
            "business" => Self::Business,
            "enterprise_cbp_usage_based" => Self::EnterpriseCbpUsageBased,
            "enterprise" | "hc" => Self::Enterprise,
            "edu" | "education" => Self::Edu,
            "promax" => Self::ProMax,
            "edu_plus" => Self::EduPlus,
            "edu_pro" => Self::EduPro,
            "sci" => Self::Sci,
            "sci_plus" => Self::SciPlus,
            "ent26" => Self::Ent26,
            "enterprise_cbp_automation" => Self::EnterpriseCbpAutomation,
            "self_serve_business_prolite" => Self::SelfServeBusinessProLite,
            _ => Self::Unknown,
        }
    }
}

/// Parameters of `account/read`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct AccountReadParams {
    /// Refreshes a managed login first. No effect on other credentials.
    #[serde(deserialize_with = "null_is_default")]
    pub refresh_token: bool,
}

/// Parameters of `account/logout`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct LogoutParams {
    /// Whether a login of this server is revoked at the issuer; true by default. The credential is
    /// dropped here at once, whatever the issuer answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke: Option<bool>,
}

/// Result of `account/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountReadResult {
    /// The account, or null without a login or when the provider needs no OpenAI login and the host
    /// supplied no bearer token for it.
    pub account: Option<Open<Account>>,
    /// Id of the ChatGPT user, where the credential names one; null without an account.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub user_id: Option<String>,
    /// Whether the active model provider needs an OpenAI login.
    pub requires_openai_auth: bool,
    /// Where the model calls of the workspace go: in force, with the origin that they are sent to.
    /// Absent while that is not known, and where it is not asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workspace_routing: Option<WorkspaceRouting>,
}

/// The public part of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Account {
    /// An API key.
    ApiKey {},
    /// A ChatGPT account, with external or managed tokens.
    Chatgpt {
        /// Email address of the account, if the token contains it.
        email: Option<String>,
        /// Plan of the account.
        plan_type: Open<PlanType>,
    },
    /// A bearer token of the host, for the configured provider.
    BearerToken {
        /// The name that the host gave at login.
        label: Option<String>,
    },
}

/// Parameters of the notification `account/updated`: sent after each login and logout, and when
/// a refresh changed the account or its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountUpdated {
    /// The credential now in force, or null.
    pub auth_mode: Option<Open<AuthMode>>,
    /// The plan, or null for credentials without one.
    pub plan_type: Option<Open<PlanType>>,
    /// Why it was sent, if it was neither a login, a logout nor a refresh. This version never has
    /// a reason.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub reason: Option<Open<AccountUpdateReason>>,
}

/// Why `account/updated` was sent without a login, a logout or a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AccountUpdateReason {
    /// The routing of the workspace is known. Only codex sends it.
    WorkspaceRoutingReady,
    /// Something else.
    Unknown,
}

/// Parameters of `getAuthStatus`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GetAuthStatusParams {
    /// Whether to return the token. A personal access token is never returned.
    pub include_token: Option<bool>,
    /// As in `account/read`.
    pub refresh_token: Option<bool>,
}

/// Result of `getAuthStatus`, the one result that may carry a token.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetAuthStatusResult {
    /// The credential in force, or null.
    pub auth_method: Option<Open<AuthMode>>,
    /// The token, if requested.
    #[serde(serialize_with = "expose_optional_on_the_wire")]
    pub auth_token: Option<Secret>,
    /// Whether the active model provider needs an OpenAI login.
    pub requires_openai_auth: Option<bool>,
}

/// Parses an explicit null like an absent member.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{AuthMode, PlanType};

    #[test]
    fn the_two_spellings_of_api_key() {
        assert_eq!(
            serde_json::to_string(&AuthMode::ApiKey).unwrap(),
            r#""apikey""#
        );
        let account = serde_json::to_string(&super::Account::ApiKey {}).unwrap();
        assert_eq!(account, r#"{"type":"apiKey"}"#);
    }

    #[test]
    fn plans_are_read_leniently_and_written_exactly() {
        for name in [
            "free",
            "go",
            "plus",
            "pro",
            "prolite",
            "team",
            "self_serve_business_usage_based",
            "business",
            "enterprise_cbp_usage_based",
            "enterprise",
            "edu",
            "promax",
            "edu_plus",
            "edu_pro",
            "sci",
            "sci_plus",
            "ent26",
            "enterprise_cbp_automation",
            "self_serve_business_prolite",
            "unknown",
        ] {
            let plan = PlanType::from_raw(&name.to_uppercase());
            assert_eq!(serde_json::to_string(&plan).unwrap(), format!("\"{name}\""));
        }
        assert_eq!(PlanType::from_raw("hc"), PlanType::Enterprise);
        assert_eq!(PlanType::from_raw("education"), PlanType::Edu);
        assert_eq!(PlanType::from_raw("quorum"), PlanType::Unknown);
    }
}
