//! The authorization page.

use super::settings::IssuerSettings;
use super::unusable;
use crate::IssuerFailure;
use crate::login::AuthorizeRequest;

/// The requested scopes: codex's list.
const SCOPE: &str = "openid profile email offline_access api.connectors.read api.connectors.invoke";

pub(super) fn url(
    settings: &IssuerSettings,
    request: &AuthorizeRequest<'_>,
) -> Result<String, IssuerFailure> {
    let mut url = settings.issuer.join("oauth/authorize").map_err(unusable)?;
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("scope", SCOPE)
        .append_pair("code_challenge", request.code_challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("id_token_add_organizations", "true")
        .append_pair("codex_cli_simplified_flow", "true")
        // EXPOSE: the browser returns it.
        .append_pair("state", request.state.expose())
        .append_pair("originator", request.originator);
    if !request.allowed_workspaces.is_empty() {
        let allowed = request.allowed_workspaces.join(",");
        query.append_pair("allowed_workspace_id", &allowed);
    }
    drop(query);
    // A `+` would be valid in a query, but codex sends `%20`.
    Ok(url.as_str().replace('+', "%20"))
}
