//! Final refusals of the backend, and refusals of the token.

use hyper::StatusCode;

use super::preset::Preset;
use crate::answer::error::{detail, detail_code, unauthorized};
use crate::answer::whole::Answer;
use crate::checks::{caller, version};
use crate::request::route::Route;

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "invalid-workspace",
        about: "403 `invalid_workspace_selected`",
        route: Route::Responses,
        answer: |_| detail_code(StatusCode::FORBIDDEN, "invalid_workspace_selected"),
    },
    Preset {
        name: "deactivated-workspace",
        about: "402 `deactivated_workspace`",
        route: Route::Responses,
        answer: |_| detail_code(StatusCode::PAYMENT_REQUIRED, "deactivated_workspace"),
    },
    Preset {
        name: "region",
        about: "401 as text: the workspace is not authorized in this region; not about the token",
        route: Route::Responses,
        answer: |_| Answer::plain(StatusCode::UNAUTHORIZED, Some(caller::REGION.into())),
    },
    Preset {
        name: "model-unsupported",
        about: "400: the model is not supported with a ChatGPT account",
        route: Route::Responses,
        answer: |context| version::unsupported(&context.model()),
    },
    Preset {
        name: "newer-version",
        about: "400: the model requires a newer version of Codex",
        route: Route::Responses,
        answer: |context| version::newer_version(&context.model()),
    },
    Preset {
        name: "model-not-found",
        about: "404 as JSON: the model is not found",
        route: Route::Responses,
        answer: |context| version::not_found(&context.model()),
    },
    Preset {
        name: "unsupported-parameter",
        about: "400: the parameter `temperature` is not supported",
        route: Route::Responses,
        answer: |_| {
            detail(
                StatusCode::BAD_REQUEST,
                "Unsupported parameter: temperature",
            )
        },
    },
    Preset {
        name: "unauthorized",
        about: "401 `{\"detail\":\"Unauthorized\"}`",
        route: Route::Responses,
        answer: |_| detail(StatusCode::UNAUTHORIZED, "Unauthorized"),
    },
    Preset {
        name: "token-expired",
        about: "401 `token_expired` as text/plain, with its headers",
        route: Route::Responses,
        answer: |_| unauthorized("token_expired", "Provided authentication token is expired."),
    },
    Preset {
        name: "token-invalidated",
        about: "401 `token_invalidated` in the same form",
        route: Route::Responses,
        answer: |_| {
            let message = "Your authentication token has been invalidated.";
            unauthorized("token_invalidated", message)
        },
    },
    Preset {
        name: "token-revoked",
        about: "401 `token_revoked` in the same form",
        route: Route::Responses,
        answer: |_| unauthorized("token_revoked", "Encountered invalidated oauth token."),
    },
    Preset {
        name: "unknown-401",
        about: "401 `unauthorized_unknown` in the same form",
        route: Route::Responses,
        answer: |_| unauthorized("unauthorized_unknown", "Could not validate your token."),
    },
    Preset {
        name: "invalid-api-key",
        about: "401 `invalid_api_key` in the same form",
        route: Route::Responses,
        answer: |_| unauthorized("invalid_api_key", "Incorrect API key provided."),
    },
    Preset {
        name: "missing-scope",
        about: "401: a ChatGPT token without the scope `api.responses.write` at the API",
        route: Route::Responses,
        answer: |_| caller::missing_scope(),
    },
];
