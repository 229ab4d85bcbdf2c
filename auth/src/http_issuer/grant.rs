//! Exchanging codes for tokens.

use byokey_protocol::secret::Secret;
use serde::Deserialize;

use super::exchange::{Answer, Request};
use super::settings::IssuerSettings;
use super::unusable;
use crate::login::CodeGrant;
use crate::{IssuerFailure, ManagedTokens};

#[derive(Deserialize)]
struct Tokens {
    id_token: Secret,
    access_token: Secret,
    refresh_token: Option<Secret>,
}

pub(super) fn request(
    settings: &IssuerSettings,
    grant: &CodeGrant,
) -> Result<Request, IssuerFailure> {
    let url = settings.issuer.join("oauth/token").map_err(unusable)?;
    // EXPOSE: the body in which the secrets are sent.
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", grant.code.expose()),
        ("redirect_uri", &grant.redirect_uri),
        ("client_id", &settings.client_id),
        ("code_verifier", grant.verifier.expose()),
    ];
    Ok(Request::form(url, &fields))
}

pub(super) fn read(answer: &Answer) -> Result<ManagedTokens, IssuerFailure> {
    if !answer.status.is_success() {
        let status = format!("token endpoint returned status {}", answer.status);
        return Err(IssuerFailure::Refused(status));
    }
    let tokens: Tokens = answer.json()?;
    Ok(ManagedTokens {
        id_token: tokens.id_token,
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        account_id: None,
        obtained_at: None,
    })
}
