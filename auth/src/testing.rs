//! Fake tokens for unit tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::secret::Secret;

use super::{
    AnswerCheck, BearerAnswer, Host, HostAnswer, Issuer, IssuerAnswer, IssuerFailure,
    ManagedTokens, PeerId, RecoveryFailure, RenewedTokens, TokenOwner,
};

/// Returns an unsigned token with these claims.
pub(crate) fn jwt(claims: &str) -> String {
    format!("e30.{}.made-up", URL_SAFE_NO_PAD.encode(claims))
}

/// Returns a token with an email claim.
pub(crate) fn jwt_of(email: &str) -> String {
    jwt(&format!(r#"{{"email":"{email}"}}"#))
}

/// Returns tokens as a host passes them.
pub(crate) fn tokens(access_token: &str, account_id: &str) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(access_token),
        chatgpt_account_id: Some(account_id.to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
        workspace_routing: None,
    }
}

/// Returns a token of this user in this workspace that expires then.
pub(crate) fn token_of(account: &str, user: &str, expires_at: i64) -> String {
    jwt(&format!(
        r#"{{"exp":{expires_at},"email":"{user}@example.com","https://api.openai.com/auth":
            {{"chatgpt_account_id":"{account}","chatgpt_user_id":"{user}","chatgpt_plan_type":"plus"}}}}"#
    ))
}

/// Returns tokens of a managed login; they expire in the year 2100.
pub(crate) fn managed_tokens(account: &str, user: &str, refresh_token: &str) -> ManagedTokens {
    let token = token_of(account, user, 4_102_444_800);
    ManagedTokens {
        id_token: Secret::from(token.as_str()),
        access_token: Secret::from(token.as_str()),
        refresh_token: Some(Secret::from(refresh_token)),
        account_id: None,
        obtained_at: Some(0),
    }
}

/// An issuer that is unreachable.
pub(crate) struct NoIssuer;

impl NoIssuer {
    fn unreachable<T: Send + 'static>() -> IssuerAnswer<T> {
        let failure = IssuerFailure::Unreachable {
            kind: ErrorKind::Retryable,
            text: "no issuer here".into(),
        };
        Box::pin(std::future::ready(Err(failure)))
    }
}

impl Issuer for NoIssuer {
    fn refresh(&self, _: &Secret) -> IssuerAnswer<RenewedTokens> {
        Self::unreachable()
    }

    fn revoke(&self, _: &Secret) -> IssuerAnswer<()> {
        Self::unreachable()
    }

    fn whoami(&self, _: &Secret) -> IssuerAnswer<TokenOwner> {
        Self::unreachable()
    }
}

/// A host without tokens.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn ask_refresh(&self, _: PeerId, _: RefreshParams, _: AnswerCheck) -> HostAnswer {
        Box::pin(std::future::ready(Err(RecoveryFailure::HostGone)))
    }

    fn ask_bearer_refresh(&self, _: PeerId, _: BearerTokenRefreshParams) -> BearerAnswer {
        Box::pin(std::future::ready(Err(RecoveryFailure::HostGone)))
    }

    fn wants_proactive_refresh(&self, _: PeerId) -> bool {
        false
    }

    fn account_updated(&self, _: AccountUpdated) {}
}
