//! The gate of models: by the version of codex that the client states.

use hyper::StatusCode;
use hyper::header::USER_AGENT;
use serde_json::Value;
use url::form_urlencoded;

use crate::answer::error::{detail, fault, validation};
use crate::answer::whole::Answer;
use crate::catalogue::{self, Version};
use crate::request::record::RecordedRequest;
use crate::settings::unpublished::Unpublished;

/// Returns the refusal of a model for the stated version, if it is refused.
pub(crate) fn refusal(
    request: &RecordedRequest,
    body: &Value,
    unpublished: &Unpublished,
) -> Option<Answer> {
    let model = body["model"].as_str().unwrap_or_default();
    let stated = request.header("version").map(str::to_owned);
    let stated = stated.or_else(|| {
        let counts = unpublished.user_agent_version;
        counts.then(|| version_of_user_agent(request)).flatten()
    });
    let Some(stated) = stated else {
        return Some(not_found(model));
    };
    let Some(known) = catalogue::find(model) else {
        return Some(unsupported(model));
    };
    let is_old = Version::parse(&stated).is_none_or(|stated| stated < known.minimal);
    is_old.then(|| newer_version(model))
}

/// Parses `originator/0.169.0 (…)`.
fn version_of_user_agent(request: &RecordedRequest) -> Option<String> {
    let agent = request.header(USER_AGENT.as_str())?;
    let (_, version) = agent.split(' ').next()?.split_once('/')?;
    Version::parse(version).map(|_| version.to_owned())
}

/// Returns the refusal of a model that is not available to the caller.
pub(crate) fn unsupported(model: &str) -> Answer {
    let text =
        format!("The '{model}' model is not supported when using Codex with a ChatGPT account.");
    detail(StatusCode::BAD_REQUEST, &text)
}

/// Returns the refusal of a model that needs a newer codex.
pub(crate) fn newer_version(model: &str) -> Answer {
    let text = format!(
        "The '{model}' model requires a newer version of Codex. Please upgrade to the latest app \
         or CLI and try again."
    );
    detail(StatusCode::BAD_REQUEST, &text)
}

/// Returns the refusal of an unknown model.
pub(crate) fn not_found(model: &str) -> Answer {
    let message = format!("Model not found {model}");
    let body = fault(&message, "invalid_request_error", Some("model"), None);
    Answer::json(StatusCode::NOT_FOUND, &body)
}

/// Returns the version that a request for the list states, or the refusal of a request without one.
pub(crate) fn stated_by_query(
    request: &RecordedRequest,
    unpublished: &Unpublished,
) -> Result<Version, Box<Answer>> {
    let mut pairs = form_urlencoded::parse(request.query().as_bytes());
    let stated = pairs.find(|(name, _)| name == "client_version");
    match stated {
        // An invalid version counts as older than any model.
        Some((_, text)) => Ok(Version::parse(&text).unwrap_or(Version(0, 0, 0))),
        None => {
            let status = StatusCode::from_u16(unpublished.validation_status);
            let status = status.unwrap_or(StatusCode::BAD_REQUEST);
            let refusal = validation(status, ["query", "client_version"], "Field required");
            Err(Box::new(refusal))
        }
    }
}
