//! Giving tokens back.

use serde::Serialize;

use super::unusable;
use super::wire::Request;
use crate::auth::{IssuerFailure, ManagedTokens};
use crate::config::IssuerSettings;

#[derive(Serialize)]
struct Body<'a> {
    token: &'a str,
    token_type_hint: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// The refresh token stands for the whole login; without one, the access token is given back.
pub(super) fn request(
    settings: &IssuerSettings,
    tokens: &ManagedTokens,
) -> Result<Request, IssuerFailure> {
    let url = settings.revoke.url().map_err(unusable)?;
    // EXPOSE: these are the bodies that the secrets are for.
    let body = tokens.refresh_token.as_ref().map_or_else(
        || Body {
            token: tokens.access_token.expose(),
            token_type_hint: "access_token",
            client_id: None,
        },
        |refresh_token| Body {
            token: refresh_token.expose(),
            token_type_hint: "refresh_token",
            client_id: Some(&settings.client_id),
        },
    );
    Ok(Request::json(url.clone(), &body))
}
