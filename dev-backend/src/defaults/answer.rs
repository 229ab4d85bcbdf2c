//! The default response of each route.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;

use super::{accounts, models, profile, reset_credits, responses, usage};
use crate::answer::edge;
use crate::answer::usage::TokenUsage;
use crate::answer::whole::Answer;
use crate::issuer::Issuer;
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;
use crate::request::route::Route;
use crate::settings::measured::Settings;
use crate::state::reset_credits::SpentCredits;

/// The inputs of a default response.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a RecordedRequest,
    pub(crate) settings: &'a Settings,
    pub(crate) issuer: &'a Issuer,
    pub(crate) spent_credits: &'a Mutex<SpentCredits>,
    /// The number of the reply.
    pub(crate) id: u64,
    /// The token usage of a reply, without its output.
    pub(crate) usage: TokenUsage,
}

/// Returns the default response to a request.
pub(crate) fn answer(route: Route, context: &Context<'_>) -> Answer {
    let Context {
        request,
        settings,
        issuer,
        spent_credits,
        id,
        usage: tokens,
    } = *context;
    let answer = match route {
        Route::Authorize => issuer.authorize(request),
        Route::DeviceCode => issuer.begin_device(settings),
        Route::DevicePage => issuer.device_page(request),
        Route::DevicePoll => issuer.poll_device(request, settings),
        Route::Revoke => issuer.revoke(request, settings),
        Route::Token => issuer.trade(request, settings),
        Route::Whoami => Issuer::whoami(request, settings),
        Route::Models => models::answer(request, settings),
        Route::Responses => responses::answer(request, id, tokens, settings.odd),
        Route::AccountsCheck => ok(accounts::body(request)),
        Route::ConsumeResetCredit => {
            let mut spent = lock(spent_credits);
            ok(reset_credits::consume(
                request,
                settings.reset_credits,
                &mut spent,
            ))
        }
        Route::Profile => ok(profile::body()),
        Route::ResetCredits => {
            let spent = lock(spent_credits);
            ok(reset_credits::list(settings.reset_credits, &spent))
        }
        Route::Usage => {
            let spent = lock(spent_credits);
            let available = reset_credits::available(settings.reset_credits, &spent);
            ok(usage::body(request, available))
        }
    };
    if route.needs_bearer() && Dialect::of(request) == Dialect::ChatGpt {
        return answer.with_headers(edge::headers());
    }
    answer
}

fn lock(spent: &Mutex<SpentCredits>) -> MutexGuard<'_, SpentCredits> {
    spent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ok(body: serde_json::Value) -> Answer {
    Answer::json(StatusCode::OK, &body)
}
