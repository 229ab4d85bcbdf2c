//! Responses of the edge, in front of the backend.

use hyper::StatusCode;

use super::preset::Preset;
use crate::answer::error::with_header;
use crate::answer::whole::Answer;
use crate::answer::{edge, error};
use crate::request::route::Route;

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "cloudflare-challenge",
        about: "403 with a page, `cf-mitigated: challenge`, `cf-ray` and a cookie",
        route: Route::Responses,
        answer: |_| edge::challenge(),
    },
    Preset {
        name: "unable-to-load",
        about: "403 with OpenAI's own page, which loads itself again after 360 seconds",
        route: Route::Responses,
        answer: |_| {
            let page = "<!DOCTYPE html><html><head><meta http-equiv=\"refresh\" content=\"360\">\
                        </head><body><h1>Unable to load site</h1></body></html>";
            let answer = Answer::html(StatusCode::FORBIDDEN, page.to_owned());
            answer.with_headers(edge::headers())
        },
    },
    Preset {
        name: "country",
        about: "403 `unsupported_country_region_territory`",
        route: Route::Responses,
        answer: |_| {
            let body = error::fault(
                "Country, region, or territory not supported",
                "request_forbidden",
                None,
                Some("unsupported_country_region_territory"),
            );
            Answer::json(StatusCode::FORBIDDEN, &body)
        },
    },
    Preset {
        name: "empty-403",
        about: "403 without a body",
        route: Route::Responses,
        answer: |_| Answer::empty(StatusCode::FORBIDDEN),
    },
    Preset {
        name: "outage-404",
        about: "404 without a body, as in the outage of 3 September 2026",
        route: Route::Responses,
        answer: |_| Answer::empty(StatusCode::NOT_FOUND),
    },
    Preset {
        name: "edge-413",
        about: "413 with a page: the request is too large for the edge",
        route: Route::Responses,
        answer: |_| {
            let page = "<html><head><title>413 Request Entity Too Large</title></head><body>\
                        <center><h1>413 Request Entity Too Large</h1></center></body></html>";
            Answer::html(StatusCode::PAYLOAD_TOO_LARGE, page.to_owned())
        },
    },
    Preset {
        name: "wrapped-401",
        about: "502 that wraps a refused token, named in `x-openai-authorization-error`",
        route: Route::Responses,
        answer: |_| {
            let answer = Answer::error(StatusCode::BAD_GATEWAY, "bad gateway");
            with_header(answer, "x-openai-authorization-error", "token_expired")
        },
    },
];
