//! The authorization page: one button, which redirects with a code.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use serde_json::Value;
use url::Url;

use super::fields::{pairs, text};
use super::grant::{Grant, Way};
use super::page::{form, page};
use super::tokens::Tokens;
use crate::answer::whole::Answer;

/// The field that identifies the button.
const BUTTON: &str = "sign_in";
/// The client id of an unregistered app.
const DYNAMIC_CLIENT: &str = "dynamic_agent_client";
/// The scope of tokens that a user shares with an app.
const SHARED_SCOPE: &str = "chatgpt.tokens.use.direct";

pub(super) fn answer(query: &str, tokens: &mut Tokens) -> Answer {
    let fields = pairs(query.as_bytes());
    let back = match check(&fields) {
        Ok(back) => back,
        Err(wrong) => return refusal(wrong),
    };
    if text(&fields, BUTTON).is_empty() {
        return button(&fields);
    }
    let client_id = text(&fields, "client_id").to_owned();
    // The first login of an app registers it: the callback contains its client id.
    let shared_with = match client_id.as_str() {
        DYNAMIC_CLIENT => Some(tokens.client_id()),
        _ => text(&fields, "scope")
            .split(' ')
            .any(|scope| scope == SHARED_SCOPE)
            .then(|| client_id.clone()),
    };
    let code = tokens.grant(Grant {
        challenge: text(&fields, "code_challenge").to_owned(),
        way: Way::Browser {
            redirect_uri: text(&fields, "redirect_uri").to_owned(),
            client_id,
        },
        shared_with: shared_with.clone(),
    });
    redirect(back, &code, text(&fields, "state"), shared_with.as_deref())
}

/// Returns the redirect URI, or the name of the invalid field.
fn check(fields: &Value) -> Result<Url, &'static str> {
    if text(fields, "response_type") != "code" {
        return Err("response_type");
    }
    if text(fields, "code_challenge_method") != "S256" {
        return Err("code_challenge_method");
    }
    // A digest of 32 bytes.
    if text(fields, "code_challenge").len() != 43 {
        return Err("code_challenge");
    }
    for required in ["client_id", "state"] {
        if text(fields, required).is_empty() {
            return Err(required);
        }
    }
    let back = Url::parse(text(fields, "redirect_uri")).map_err(|_| "redirect_uri")?;
    let is_here = matches!(back.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if back.scheme() == "http" && is_here && back.query().is_none() {
        Ok(back)
    } else {
        Err("redirect_uri")
    }
}

fn refusal(wrong: &str) -> Answer {
    let body = format!("<p>The field <code>{wrong}</code> is missing or not supported.</p>");
    page(StatusCode::BAD_REQUEST, "This is no login", &body)
}

fn button(fields: &Value) -> Answer {
    let fields: Vec<_> = fields
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let body = format!(
        "<p>A program on this machine wants to sign you in as <b>ada@example.com</b>.</p>{}",
        form(&fields, "", &[(BUTTON, "Sign in")])
    );
    page(StatusCode::OK, "Sign in", &body)
}

fn redirect(mut back: Url, code: &str, state: &str, client_id: Option<&str>) -> Answer {
    back.query_pairs_mut()
        .append_pair("code", code)
        .append_pair("state", state);
    if let Some(client_id) = client_id {
        back.query_pairs_mut().append_pair("client_id", client_id);
    }
    let answer = page(StatusCode::FOUND, "Signed in", "");
    match HeaderValue::try_from(back.as_str()) {
        Ok(back) => answer.with_headers(HeaderMap::from_iter([(LOCATION, back)])),
        Err(_) => refusal("redirect_uri"),
    }
}
