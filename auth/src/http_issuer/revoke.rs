//! Token revocation.

use byokey_protocol::secret::Secret;
use serde::Serialize;

use super::exchange::Request;
use super::settings::IssuerSettings;
use super::unusable;
use crate::IssuerFailure;

#[derive(Serialize)]
struct Body<'a> {
    token: &'a str,
    token_type_hint: &'static str,
    client_id: &'a str,
}

/// Returns the request. The refresh token identifies the whole login.
pub(super) fn request(
    settings: &IssuerSettings,
    refresh_token: &Secret,
) -> Result<Request, IssuerFailure> {
    let url = settings.revoke.url().map_err(unusable)?;
    let body = Body {
        // EXPOSE: the body in which the secret is sent.
        token: refresh_token.expose(),
        token_type_hint: "refresh_token",
        client_id: &settings.client_id,
    };
    Ok(Request::json(url.clone(), &body))
}
