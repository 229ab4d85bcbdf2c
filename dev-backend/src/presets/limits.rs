//! Limits and overload before the stream.

use hyper::StatusCode;
use serde_json::json;

use super::preset::{Context, Preset};
use crate::answer::error::{fault, with_header};
use crate::answer::limit_headers::{RESETS, family};
use crate::answer::whole::Answer;
use crate::clock::unix_now;
use crate::request::route::Route;

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "usage-limit",
        about: "429 `usage_limit_reached` with the time of its end and every header",
        route: Route::Responses,
        answer: usage_limit,
    },
    Preset {
        name: "plain-429",
        about: "429 without that type, with `Retry-After: 1`: worth another try",
        route: Route::Responses,
        answer: |_| {
            let message = "Rate limit reached. Please try again in 1s.";
            let body = fault(message, "requests", None, Some("rate_limit_exceeded"));
            let answer = Answer::json(StatusCode::TOO_MANY_REQUESTS, &body);
            with_header(answer, "retry-after", "1")
        },
    },
    Preset {
        name: "usage-not-included",
        about: "429 `usage_not_included`: the plan has no Codex",
        route: Route::Responses,
        answer: |_| {
            let body = json!({"error": {"type": "usage_not_included", "message": "made up"}});
            Answer::json(StatusCode::TOO_MANY_REQUESTS, &body)
        },
    },
    Preset {
        name: "insufficient-quota",
        about: "429 `insufficient_quota` of the API: final",
        route: Route::Responses,
        answer: |_| {
            let message = "You exceeded your current quota.";
            let quota = "insufficient_quota";
            let body = fault(message, quota, None, Some(quota));
            Answer::json(StatusCode::TOO_MANY_REQUESTS, &body)
        },
    },
    Preset {
        name: "overloaded-503",
        about: "503 `server_is_overloaded`",
        route: Route::Responses,
        answer: |_| unavailable("server_is_overloaded"),
    },
    Preset {
        name: "slow-down-503",
        about: "503 `slow_down`",
        route: Route::Responses,
        answer: |_| unavailable("slow_down"),
    },
];

fn unavailable(code: &str) -> Answer {
    let body = json!({"error": {"code": code}});
    Answer::json(StatusCode::SERVICE_UNAVAILABLE, &body)
}

fn usage_limit(context: &Context<'_>) -> Answer {
    let plan = context.plan();
    let [_, reset] = RESETS;
    let body = json!({"error": {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": plan,
        "resets_at": unix_now() + reset,
        "resets_in_seconds": reset,
        "eligible_promo": null,
        "rate_limit_reached_type": "rate_limit_reached",
    }});
    let mut headers = family("codex", &plan, [100, 100]);
    // The second family of headers of an account.
    headers.extend(family("codex-bengalfox", &plan, [12, 3]));
    let answer = Answer::json(StatusCode::TOO_MANY_REQUESTS, &body).with_headers(headers);
    [
        ("x-codex-bengalfox-limit-name", "GPT-5.3-Codex-Spark"),
        ("x-codex-rate-limit-reached-type", "rate_limit_reached"),
        ("x-codex-promo-campaign-id", ""),
        ("x-codex-promo-message", ""),
    ]
    .into_iter()
    .fold(answer, |answer, (name, value)| {
        with_header(answer, name, value)
    })
}
