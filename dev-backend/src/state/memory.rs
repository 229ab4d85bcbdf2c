//! The remembered state, and refusals because of it.

use hyper::StatusCode;
use serde_json::Value;

use super::prompt_cache::PromptCache;
use super::rates::Rate;
use super::reasoning::EncryptedReasoning;
use crate::answer::error::{detail, fault};
use crate::answer::usage::TokenUsage;
use crate::answer::whole::Answer;
use crate::checks::{body, caller, lite, version};
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;
use crate::request::route::Route;
use crate::settings::measured::Settings;

/// The backend's state across requests.
#[derive(Default)]
pub(crate) struct Memory {
    prompts: PromptCache,
    reasoning: EncryptedReasoning,
    account_calls: Rate,
    token_calls: Rate,
}

impl Memory {
    /// Returns the refusal of a request, if it is refused.
    pub(crate) fn refusal(
        &mut self,
        route: Route,
        request: &RecordedRequest,
        settings: &Settings,
    ) -> Option<Answer> {
        let unpublished = &settings.unpublished;
        let limited = match route {
            Route::Token => Some((&mut self.token_calls, unpublished.token_calls_per_minute)),
            _ if request.plain_path().contains("/wham/") => Some((
                &mut self.account_calls,
                unpublished.account_calls_per_minute,
            )),
            _ => None,
        };
        if let Some((calls, Some(limit))) = limited
            && !calls.admit(limit)
        {
            let text = "too many calls, refused by a setting";
            return Some(detail(StatusCode::TOO_MANY_REQUESTS, text));
        }
        if route.needs_bearer()
            && route != Route::Whoami
            && let Some(refusal) = caller::refusal(request, settings)
        {
            return Some(refusal);
        }
        (route == Route::Responses)
            .then(|| self.refusal_of_a_turn(request, settings))
            .flatten()
    }

    fn refusal_of_a_turn(&self, request: &RecordedRequest, settings: &Settings) -> Option<Answer> {
        let Ok(body) = request.json() else {
            let text = "the request body is not JSON";
            return Some(detail(StatusCode::BAD_REQUEST, text));
        };
        let dialect = Dialect::of(request);
        if !settings.strict || dialect == Dialect::Api {
            return None;
        }
        let unpublished = &settings.unpublished;
        if let Some(refusal) = body::refusal(&body, unpublished) {
            return Some(refusal);
        }
        if dialect == Dialect::ChatGpt {
            let refusal = version::refusal(request, &body, unpublished)
                .or_else(|| lite::refusal(request, &body, unpublished));
            if refusal.is_some() {
                return refusal;
            }
        }
        let place = self.reasoning.first_foreign(request, &body)?;
        let body = fault(
            "The encrypted content could not be verified.",
            "invalid_request_error",
            Some(&format!("input[{place}].encrypted_content")),
            Some("invalid_encrypted_content"),
        );
        Some(Answer::json(StatusCode::BAD_REQUEST, &body))
    }

    /// Returns the token usage of a request, without its output.
    pub(crate) fn charge(&mut self, request: &RecordedRequest) -> TokenUsage {
        let body = request.json().unwrap_or_default();
        self.prompts.charge(request.header("session-id"), &body)
    }

    /// Records the content of a response.
    pub(crate) fn remember(&mut self, request: &RecordedRequest, events: &[Value]) {
        self.reasoning.remember(request, events);
    }
}
