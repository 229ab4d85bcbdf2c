//! Failures within a successful response.

use serde_json::{Value, json};

use super::preset::{Context, Preset};
use crate::answer::error::with_header;
use crate::answer::limit_event;
use crate::answer::reply::{Reply, numbered};
use crate::answer::whole::Answer;
use crate::request::route::Route;

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "overloaded-200",
        about: "a stream whose `error` event says `server_is_overloaded`, then `response.failed`",
        route: Route::Responses,
        answer: |context| {
            let code = "server_is_overloaded";
            let message = "Our servers are currently overloaded. Please try again later.";
            let error = json!({"type": "error", "error": {
                "type": "service_unavailable_error", "code": code, "message": message,
                "param": null}});
            failing(context, [error, failed(code, message)])
        },
    },
    Preset {
        name: "overloaded-text",
        about: "a stream that says so as the model's text",
        route: Route::Responses,
        answer: |context| {
            let text = "Our servers are currently overloaded. Please try again later.";
            Answer::events(reply(context, &[text]).events())
        },
    },
    Preset {
        name: "incomplete",
        about: "a stream cut by `max_output_tokens`",
        route: Route::Responses,
        answer: |context| incomplete(context, "max_output_tokens"),
    },
    Preset {
        name: "content-filter",
        about: "a stream cut by `content_filter`",
        route: Route::Responses,
        answer: |context| incomplete(context, "content_filter"),
    },
    Preset {
        name: "cyber",
        about: "a stream that fails with `cyber_policy`",
        route: Route::Responses,
        answer: |context| {
            let message = "This request was flagged for possible cybersecurity risk.";
            failing(context, [failed("cyber_policy", message)])
        },
    },
    Preset {
        name: "invalid-prompt",
        about: "a stream that fails with `invalid_prompt`",
        route: Route::Responses,
        answer: |context| failing(context, [failed("invalid_prompt", "Invalid prompt.")]),
    },
    Preset {
        name: "context-length",
        about: "a stream that fails with `context_length_exceeded`",
        route: Route::Responses,
        answer: |context| {
            let message = "Your input exceeds the context window of this model.";
            failing(context, [failed("context_length_exceeded", message)])
        },
    },
    Preset {
        name: "rate-limit-200",
        about: "a stream that fails with `rate_limit_exceeded` and names a wait",
        route: Route::Responses,
        answer: |context| {
            let message = "Rate limit reached. Please try again in 1.2s.";
            failing(context, [failed("rate_limit_exceeded", message)])
        },
    },
    Preset {
        name: "quota-200",
        about: "a stream that fails with `insufficient_quota`",
        route: Route::Responses,
        answer: |context| {
            failing(
                context,
                [failed("insufficient_quota", "You exceeded your quota.")],
            )
        },
    },
    Preset {
        name: "not-included-200",
        about: "a stream that fails with `usage_not_included`",
        route: Route::Responses,
        answer: |context| failing(context, [failed("usage_not_included", "made up")]),
    },
    Preset {
        name: "server-error-200",
        about: "a stream that fails with `server_error`",
        route: Route::Responses,
        answer: |context| failing(context, [failed("server_error", "An error occurred.")]),
    },
    Preset {
        name: "lone-error",
        about: "a stream that ends after an `error` event",
        route: Route::Responses,
        answer: |context| {
            let error = json!({"type": "error", "error": {
                "type": "server_error", "code": "server_error", "message": "made up",
                "param": null}});
            failing(context, [error])
        },
    },
    Preset {
        name: "limit-reached-200",
        about: "a stream whose first event says `limit_reached`, and a whole answer after it",
        route: Route::Responses,
        answer: |context| {
            let mut events = vec![limit_event::event(&context.plan(), [100, 40], true)];
            events.extend(reply(context, &["Here ", "all ", "the ", "same."]).events());
            Answer::events(events)
        },
    },
    Preset {
        name: "rerouted",
        about: "a stream of another model, named in the header `openai-model`",
        route: Route::Responses,
        answer: |context| {
            let answer = Answer::events(reply(context, &["From ", "another."]).events());
            with_header(answer, "openai-model", "gpt-5.5")
        },
    },
];

fn reply(context: &Context<'_>, pieces: &[&str]) -> Reply {
    let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    Reply::new(
        context.id,
        context.request,
        pieces,
        context.usage,
        context.odd,
    )
}

fn failed(code: &str, message: &str) -> Value {
    json!({"type": "response.failed", "response": {
        "object": "response", "status": "failed", "output": [],
        "error": {"code": code, "message": message}}})
}

/// Returns a stream that begins normally and ends with these events.
fn failing<const N: usize>(context: &Context<'_>, ends: [Value; N]) -> Answer {
    let opening = reply(context, &[]).opening_events();
    // It fails before the first delta.
    let events = opening.into_iter().take(2).chain(ends).collect();
    Answer::events(numbered(events))
}

fn incomplete(context: &Context<'_>, reason: &str) -> Answer {
    let mut events = reply(context, &["It ", "ends ", "her"]).opening_events();
    events.push(json!({"type": "response.incomplete", "response": {
        "object": "response", "status": "incomplete", "output": [],
        "incomplete_details": {"reason": reason}, "usage": context.usage.to_json()}}));
    Answer::events(numbered(events))
}
