//! Reasons for a failure that a backend states, in responses and in streams.
//!
//! No free text of the backend leaves this module: known codes and phrases are replaced by our
//! texts, and an unknown code is named only if it is an identifier.

use byokey_protocol::error::ErrorKind;
use byokey_protocol::turn::CodexErrorInfo;

/// A known reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The plan's usage limit is reached.
    UsageLimitReached,
    /// The plan does not include the use.
    UsageNotIncluded,
    /// The API account has no credit left.
    QuotaExceeded,
    /// The model is at capacity.
    Overloaded,
    /// Too many requests in a short time.
    RateLimited,
    /// The backend failed.
    ServerError,
    /// The conversation is too long for the model.
    ContextLengthExceeded,
    /// The request is too large for the backend.
    TooLarge,
    /// The cyber security policy stopped the response.
    CyberPolicy,
    /// The prompt was refused.
    InvalidPrompt,
    /// The model needs a newer client.
    ModelNeedsNewerVersion,
    /// The account's plan does not include the model.
    ModelNotIncluded,
    /// There is no such model.
    ModelNotFound,
    /// The workspace is deactivated.
    WorkspaceDeactivated,
    /// Another workspace must be chosen.
    WrongWorkspace,
    /// The workspace is bound to another region.
    RegionRefused,
    /// The country is not supported.
    CountryRefused,
    /// The login may not be used for this.
    NotPermitted,
    /// A parameter is not supported.
    UnsupportedParameter,
    /// Encrypted reasoning of another account or model.
    ForeignReasoning,
    /// The form of the request is rejected.
    RequestForm,
    /// A bot challenge instead of a response.
    Challenged,
}

/// The properties of a reason.
pub(crate) struct Row {
    reason: Reason,
    /// Codes and types of error objects.
    codes: &'static [&'static str],
    /// Substrings of messages, in lower case.
    phrases: &'static [&'static str],
    kind: ErrorKind,
    /// `None`: decided by the HTTP status.
    info: Option<CodexErrorInfo>,
    /// Whether the same request may succeed later.
    may_pass: bool,
    text: &'static str,
}

use CodexErrorInfo::{
    BadRequest, ContextWindowExceeded, CyberPolicy, Other, ServerOverloaded, UsageLimitExceeded,
};

/// Sources: codex 0.171.0 and public captures, listed in `docs/backend.md`.
static TABLE: [Row; 22] = [
    Row {
        reason: Reason::UsageLimitReached,
        codes: &[
            "usage_limit_reached",
            "subscription_sharing_usage_limit_exceeded",
        ],
        phrases: &[],
        kind: ErrorKind::UsageLimitExceeded,
        info: Some(UsageLimitExceeded),
        may_pass: false,
        text: "You’ve hit your usage limit.",
    },
    Row {
        reason: Reason::UsageNotIncluded,
        codes: &["usage_not_included"],
        phrases: &[],
        kind: ErrorKind::BackendRefused,
        info: Some(UsageLimitExceeded),
        may_pass: false,
        text: "To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.",
    },
    Row {
        reason: Reason::QuotaExceeded,
        codes: &["insufficient_quota", "billing_hard_limit_reached"],
        phrases: &[],
        kind: ErrorKind::BackendRefused,
        info: Some(UsageLimitExceeded),
        may_pass: false,
        text: "Quota exceeded. Check your plan and billing details.",
    },
    Row {
        reason: Reason::Overloaded,
        codes: &["server_is_overloaded", "slow_down", "overloaded_error"],
        phrases: &[],
        kind: ErrorKind::Retryable,
        info: Some(ServerOverloaded),
        may_pass: true,
        text: "Selected model is at capacity. Please try a different model.",
    },
    Row {
        reason: Reason::RateLimited,
        codes: &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "too_many_requests",
        ],
        phrases: &[],
        kind: ErrorKind::Retryable,
        info: Some(Other),
        may_pass: true,
        text: "the backend's rate limit is exceeded",
    },
    Row {
        reason: Reason::ServerError,
        codes: &[
            "server_error",
            "internal_server_error",
            "internal_error",
            "api_error",
            "service_unavailable",
            "service_unavailable_error",
            "subscription_sharing_usage_unavailable",
            "subscription_sharing_user_unavailable",
        ],
        phrases: &[],
        kind: ErrorKind::Retryable,
        info: Some(Other),
        may_pass: true,
        text: "stream disconnected before completion: the backend gave up on the answer",
    },
    Row {
        reason: Reason::ContextLengthExceeded,
        codes: &["context_length_exceeded"],
        phrases: &[],
        kind: ErrorKind::ContextWindowExceeded,
        info: Some(ContextWindowExceeded),
        may_pass: false,
        text: "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
    },
    Row {
        reason: Reason::TooLarge,
        codes: &["request_too_large", "string_above_max_length"],
        phrases: &[],
        kind: ErrorKind::ContextWindowExceeded,
        info: Some(BadRequest),
        may_pass: false,
        text: "the request is too large for the backend; start a new thread or send less",
    },
    Row {
        reason: Reason::CyberPolicy,
        codes: &["cyber_policy", "cyber_policy_violation"],
        phrases: &[],
        kind: ErrorKind::PolicyRefused,
        info: Some(CyberPolicy),
        may_pass: false,
        text: "the backend stopped the answer under its policy on cyber security; rephrase the request",
    },
    Row {
        reason: Reason::InvalidPrompt,
        codes: &[
            "invalid_prompt",
            "content_policy_violation",
            "bio_policy",
            "misalignment_policy_violation",
        ],
        phrases: &[],
        kind: ErrorKind::PolicyRefused,
        info: Some(BadRequest),
        may_pass: false,
        text: "the backend refused the prompt under its usage policy; rephrase the request",
    },
    Row {
        reason: Reason::ModelNeedsNewerVersion,
        codes: &[],
        phrases: &["requires a newer version of codex"],
        kind: ErrorKind::ModelUnavailable,
        info: Some(BadRequest),
        may_pass: false,
        text: "the model needs a newer version of codex than this program says it is; update it, set `codex_version` under `[byokey]`, or choose another model",
    },
    Row {
        reason: Reason::ModelNotIncluded,
        codes: &["model_not_available"],
        phrases: &["model is not supported when using codex"],
        kind: ErrorKind::ModelUnavailable,
        info: Some(BadRequest),
        may_pass: false,
        text: "the account's plan does not include the model, or the model is retired; choose one of model/list",
    },
    Row {
        reason: Reason::ModelNotFound,
        codes: &["model_not_found"],
        phrases: &["model not found"],
        kind: ErrorKind::ModelUnavailable,
        info: None,
        may_pass: false,
        text: "the backend has no such model; choose one of model/list",
    },
    Row {
        reason: Reason::WorkspaceDeactivated,
        codes: &["deactivated_workspace"],
        phrases: &[],
        kind: ErrorKind::WorkspaceRefused,
        info: None,
        may_pass: false,
        text: "the workspace is deactivated; its owner must renew the plan, or sign in to another workspace",
    },
    Row {
        reason: Reason::WrongWorkspace,
        codes: &["invalid_workspace_selected"],
        phrases: &[],
        kind: ErrorKind::WorkspaceRefused,
        info: None,
        may_pass: false,
        text: "the account may not use this workspace; sign in to another workspace",
    },
    Row {
        reason: Reason::RegionRefused,
        codes: &[],
        phrases: &["not authorized in this region"],
        kind: ErrorKind::RegionRefused,
        info: None,
        may_pass: false,
        text: "the workspace is bound to another region and refuses requests from here; a new token does not help",
    },
    Row {
        reason: Reason::CountryRefused,
        codes: &["unsupported_country_region_territory"],
        phrases: &[],
        kind: ErrorKind::RegionRefused,
        info: None,
        may_pass: false,
        text: "the backend does not serve the country of this network; check VPN and proxy",
    },
    Row {
        reason: Reason::NotPermitted,
        codes: &[
            "subscription_sharing_user_not_eligible",
            "subscription_sharing_route_not_supported",
            "subscription_sharing_unsupported_capability",
            "chatpass_v2_scope_not_authorized",
            "chatpass_v2_invalid_authorization_context",
        ],
        phrases: &["missing scopes"],
        kind: ErrorKind::BackendRefused,
        info: None,
        may_pass: false,
        text: "this login may not be used for such a request; sign in with another kind of login",
    },
    Row {
        reason: Reason::UnsupportedParameter,
        codes: &["unsupported_parameter", "unknown_parameter"],
        phrases: &["unsupported parameter", "unknown parameter"],
        kind: ErrorKind::BackendRefused,
        info: Some(BadRequest),
        may_pass: false,
        text: "the backend does not support a parameter of the request",
    },
    Row {
        reason: Reason::ForeignReasoning,
        codes: &["invalid_encrypted_content"],
        phrases: &[],
        kind: ErrorKind::BackendRefused,
        info: Some(BadRequest),
        may_pass: false,
        text: "the conversation contains reasoning of another account or model; start a new thread",
    },
    Row {
        reason: Reason::RequestForm,
        codes: &[],
        phrases: &[
            "instructions are not valid",
            "instructions are required",
            "stream must be set to true",
            "store must be set to false",
            "system messages are not allowed",
        ],
        kind: ErrorKind::BackendRefused,
        info: Some(BadRequest),
        may_pass: false,
        text: "the backend does not accept requests of this form; it may be another or a newer one than this program supports",
    },
    Row {
        reason: Reason::Challenged,
        codes: &[],
        phrases: &[],
        kind: ErrorKind::Challenged,
        info: None,
        may_pass: false,
        text: "the network's edge (Cloudflare) demands a browser and blocks programs; try another network, without VPN or proxy",
    },
];

impl Reason {
    const fn row(self) -> &'static Row {
        let mut at = 0;
        // The table has a row for each reason; a test checks this.
        while at + 1 < TABLE.len() && TABLE[at].reason as u8 != self as u8 {
            at += 1;
        }
        &TABLE[at]
    }

    /// Returns the reason for a code or type of an error object.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.codes.contains(&code))?;
        Some(row.reason)
    }

    /// Returns the reason for the text of an error.
    pub(crate) fn of_words(message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        let stands = |row: &&Row| row.phrases.iter().any(|phrase| message.contains(phrase));
        Some(TABLE.iter().find(stands)?.reason)
    }

    /// Returns the error kind for hosts.
    pub(crate) const fn kind(self) -> ErrorKind {
        self.row().kind
    }

    /// Returns codex's error info, if the HTTP status does not decide.
    pub(crate) const fn info(self) -> Option<CodexErrorInfo> {
        self.row().info
    }

    /// Returns whether the same request may succeed later.
    pub(crate) const fn may_pass(self) -> bool {
        self.row().may_pass
    }

    /// Returns the text for users: codex's where it has one.
    pub(crate) const fn text(self) -> &'static str {
        self.row().text
    }

    /// Returns whether a 401 with this reason is unrelated to the token.
    pub(crate) const fn clears_the_token(self) -> bool {
        !matches!(
            self,
            Self::RateLimited | Self::Overloaded | Self::ServerError
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_row_and_each_code_one() {
        for row in &TABLE {
            assert!(std::ptr::eq(row.reason.row(), row), "{:?}", row.reason);
            for code in row.codes {
                assert_eq!(Reason::of_code(code), Some(row.reason), "{code}");
            }
            for phrase in row.phrases {
                assert_eq!(Reason::of_words(phrase), Some(row.reason), "{phrase}");
                assert_eq!(*phrase, phrase.to_ascii_lowercase());
            }
        }
        assert_eq!(Reason::of_code("another_code"), None);
    }
}
