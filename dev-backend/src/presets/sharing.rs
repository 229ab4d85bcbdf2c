//! Refusals of tokens that a user shares with an app ("Sign in with ChatGPT").

use hyper::StatusCode;
use serde_json::json;

use super::preset::{Context, Preset};
use crate::answer::error::detail_code;
use crate::answer::whole::Answer;
use crate::request::route::Route;

/// A refusal before the stream.
const fn refusal(
    name: &'static str,
    about: &'static str,
    answer: fn(&Context<'_>) -> Answer,
) -> Preset {
    Preset {
        name,
        about,
        route: Route::Responses,
        answer,
    }
}

pub(super) const PRESETS: &[Preset] = &[
    refusal("sharing-invalid-token", "401 `invalid_token`", |_| {
        detail_code(StatusCode::UNAUTHORIZED, "invalid_token")
    }),
    refusal(
        "sharing-user-not-eligible",
        "403 `subscription_sharing_user_not_eligible`",
        |_| sharing(StatusCode::FORBIDDEN, "user_not_eligible"),
    ),
    refusal(
        "sharing-usage-limit",
        "429 `subscription_sharing_usage_limit_exceeded`",
        |_| sharing(StatusCode::TOO_MANY_REQUESTS, "usage_limit_exceeded"),
    ),
    refusal(
        "sharing-usage-limit-200",
        "the same code in `response.failed`",
        |_| {
            let error = json!({"code": "subscription_sharing_usage_limit_exceeded",
                               "message": "made up"});
            let failed = json!({"type": "response.failed", "sequence_number": 0,
                                "response": {"status": "failed", "error": error}});
            Answer::events(vec![failed])
        },
    ),
    refusal(
        "sharing-usage-unavailable",
        "503 `subscription_sharing_usage_unavailable`",
        |_| sharing(StatusCode::SERVICE_UNAVAILABLE, "usage_unavailable"),
    ),
    refusal(
        "sharing-unsupported-capability",
        "400 `subscription_sharing_unsupported_capability`",
        |_| sharing(StatusCode::BAD_REQUEST, "unsupported_capability"),
    ),
    refusal(
        "sharing-route-not-supported",
        "403 `subscription_sharing_route_not_supported`",
        |_| sharing(StatusCode::FORBIDDEN, "route_not_supported"),
    ),
    refusal(
        "sharing-invalid-user",
        "401 `subscription_sharing_invalid_user`",
        |_| sharing(StatusCode::UNAUTHORIZED, "invalid_user"),
    ),
    refusal(
        "sharing-user-unavailable",
        "503 `subscription_sharing_user_unavailable`",
        |_| sharing(StatusCode::SERVICE_UNAVAILABLE, "user_unavailable"),
    ),
    refusal(
        "sharing-scope",
        "403 `chatpass_v2_scope_not_authorized`",
        |_| detail_code(StatusCode::FORBIDDEN, "chatpass_v2_scope_not_authorized"),
    ),
    refusal(
        "sharing-context",
        "403 `chatpass_v2_invalid_authorization_context`",
        |_| {
            detail_code(
                StatusCode::FORBIDDEN,
                "chatpass_v2_invalid_authorization_context",
            )
        },
    ),
];

fn sharing(status: StatusCode, code: &str) -> Answer {
    detail_code(status, &format!("subscription_sharing_{code}"))
}
