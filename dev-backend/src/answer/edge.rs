//! Cloudflare, in front of the backend: headers that it adds to responses, and responses in their
//! place.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use super::whole::Answer;

/// The cookie that admits a client.
pub(crate) const COOKIE: &str = "__cf_bm";

/// Returns the headers that the edge adds to every response: its ray and its two cookies.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let ray = HeaderName::from_static("cf-ray");
    headers.insert(ray, HeaderValue::from_static("9a00000000made-up"));
    for cookie in [
        "__cf_bm=made-up-bm; path=/; HttpOnly; Secure; SameSite=None",
        "__cflb=made-up-lb; path=/; HttpOnly; Secure; SameSite=None",
    ] {
        headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    headers
}

/// Returns Cloudflare's challenge.
pub(crate) fn challenge() -> Answer {
    let page = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title></head>\
                <body><noscript>Enable JavaScript and cookies to continue</noscript></body></html>";
    let mitigated = HeaderName::from_static("cf-mitigated");
    let mut headers = headers();
    headers.insert(mitigated, HeaderValue::from_static("challenge"));
    Answer::html(StatusCode::FORBIDDEN, page.to_owned()).with_headers(headers)
}
