//! Checks of the caller: residency, account, originator, and Cloudflare's challenge.

use hyper::StatusCode;
use hyper::header::{COOKIE, USER_AGENT};

use crate::answer::error::{detail, fault};
use crate::answer::whole::Answer;
use crate::answer::{edge, error};
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;
use crate::settings::measured::Settings;

/// The text of a 401 that is unrelated to the token.
pub(crate) const REGION: &str = "Workspace is not authorized in this region.";

const RESIDENCY: &str = "x-openai-internal-codex-residency";

/// Returns the challenge for a request that Cloudflare blocks, on any route.
pub(crate) fn challenge(request: &RecordedRequest, settings: &Settings) -> Option<Answer> {
    let agent = request.header(USER_AGENT.as_str()).unwrap_or_default();
    let mut challenged = settings.unpublished.challenged_user_agents.iter();
    let has_cookie = || {
        let cookies = request.headers.get_all(COOKIE).iter();
        let mut cookies = cookies.filter_map(|value| value.to_str().ok());
        cookies.any(|value| value.split("; ").any(is_the_cookie))
    };
    let is_challenged = challenged.any(|part| agent.contains(part.as_str()))
        || settings.challenge_until_cookie && !has_cookie();
    is_challenged.then(edge::challenge)
}

fn is_the_cookie(pair: &str) -> bool {
    pair.split_once('=')
        .is_some_and(|(name, _)| name == edge::COOKIE)
}

/// Returns the refusal of a caller of the backend, if it is refused.
pub(crate) fn refusal(request: &RecordedRequest, settings: &Settings) -> Option<Answer> {
    let dialect = Dialect::of(request);
    if dialect == Dialect::Shared && settings.api_scopes && !is_for_the_api(request) {
        return Some(missing_scope());
    }
    if settings.strict && dialect == Dialect::ChatGpt && !is_in_its_region(request) {
        let region = Answer::plain(StatusCode::UNAUTHORIZED, Some(REGION.into()));
        return Some(region);
    }
    let unpublished = &settings.unpublished;
    let originator = request.header("originator").unwrap_or_default();
    let originators = &unpublished.originators;
    if !originators.is_empty() && !originators.iter().any(|known| known == originator) {
        return Some(detail(
            StatusCode::FORBIDDEN,
            "an originator refused by a setting",
        ));
    }
    let status = unpublished.wrong_account_status?;
    let stated = request.header("chatgpt-account-id")?;
    let claimed = request.auth_claim("chatgpt_account_id")?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    (stated != claimed).then(|| detail(status, "an account id refused by a setting"))
}

/// Returns whether a token's audience is api.openai.com.
fn is_for_the_api(request: &RecordedRequest) -> bool {
    let audience = request.claims().map(|claims| claims["aud"].to_string());
    audience.is_none_or(|audience| audience.contains("https://api.openai.com/v1"))
}

/// Returns the refusal of a ChatGPT token at api.openai.com.
pub(crate) fn missing_scope() -> Answer {
    let message = "You have insufficient permissions for this operation. Missing scopes: \
                   api.responses.write.";
    let body = fault(
        message,
        "invalid_request_error",
        None,
        Some("missing_scope"),
    );
    Answer::json(StatusCode::UNAUTHORIZED, &body)
}

/// Returns whether the residency header matches the token's claim, if it has one.
fn is_in_its_region(request: &RecordedRequest) -> bool {
    let claim = ["chatgpt_compute_residency", "chatgpt_data_residency"]
        .into_iter()
        .find_map(|name| request.auth_claim(name))
        .filter(|region| region != "no_constraint");
    claim.is_none_or(|region| request.header(RESIDENCY) == Some(region.as_str()))
}

/// Returns the refusal of an absent or rejected bearer.
pub(crate) fn unauthorized(request: &RecordedRequest, odd: bool) -> Answer {
    if !odd {
        return Answer::error(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    match (request.bearer(), Dialect::of(request)) {
        (None, Dialect::ChatGpt) => detail(StatusCode::UNAUTHORIZED, "Unauthorized"),
        (_, Dialect::Api) => error::unauthorized("invalid_api_key", "Incorrect API key provided."),
        _ => error::unauthorized(
            "token_expired",
            "Provided authentication token is expired. Please try signing in again.",
        ),
    }
}
