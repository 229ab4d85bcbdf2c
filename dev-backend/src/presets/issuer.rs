//! Refusals of the issuer.

use hyper::StatusCode;

use super::preset::{Context, Preset};
use crate::answer::whole::Answer;
use crate::issuer::refusal::{device_expired, nested, refused};
use crate::request::route::Route;

const fn preset(
    name: &'static str,
    about: &'static str,
    route: Route,
    answer: fn(&Context<'_>) -> Answer,
) -> Preset {
    Preset {
        name,
        about,
        route,
        answer,
    }
}

pub(super) const PRESETS: &[Preset] = &[
    preset(
        "refresh-token-expired",
        "401 `token_expired`",
        Route::Token,
        |_| nested(StatusCode::UNAUTHORIZED, "token_expired"),
    ),
    preset(
        "refresh-expired",
        "401 `refresh_token_expired`",
        Route::Token,
        |_| nested(StatusCode::UNAUTHORIZED, "refresh_token_expired"),
    ),
    preset(
        "refresh-reused",
        "401 `refresh_token_reused`",
        Route::Token,
        |_| nested(StatusCode::UNAUTHORIZED, "refresh_token_reused"),
    ),
    preset(
        "refresh-invalidated",
        "401 `refresh_token_invalidated`",
        Route::Token,
        |_| nested(StatusCode::UNAUTHORIZED, "refresh_token_invalidated"),
    ),
    preset(
        "invalid-grant",
        "400 `invalid_grant` as a string",
        Route::Token,
        |_| refused(StatusCode::BAD_REQUEST, "invalid_grant"),
    ),
    preset(
        "invalid-client",
        "401 `invalid_client`: about the configuration, not the token",
        Route::Token,
        |_| refused(StatusCode::UNAUTHORIZED, "invalid_client"),
    ),
    preset(
        "device-unavailable",
        "404: device logins are not available",
        Route::DeviceCode,
        |_| Answer::empty(StatusCode::NOT_FOUND),
    ),
    preset(
        "device-pending",
        "403 with a nested `deviceauth_authorization_pending`",
        Route::DevicePoll,
        |_| nested(StatusCode::FORBIDDEN, "deviceauth_authorization_pending"),
    ),
    preset(
        "device-unknown",
        "403 with a nested `deviceauth_authorization_unknown`: pending, early in 2026",
        Route::DevicePoll,
        |_| nested(StatusCode::FORBIDDEN, "deviceauth_authorization_unknown"),
    ),
    preset(
        "device-unknown-400",
        "the same with 400",
        Route::DevicePoll,
        |_| nested(StatusCode::BAD_REQUEST, "deviceauth_authorization_unknown"),
    ),
    preset(
        "device-slow-down",
        "400 with a nested `slow_down`",
        Route::DevicePoll,
        |_| nested(StatusCode::BAD_REQUEST, "slow_down"),
    ),
    preset(
        "device-expired",
        "403 whose message says that the code has expired",
        Route::DevicePoll,
        |_| device_expired(),
    ),
];
