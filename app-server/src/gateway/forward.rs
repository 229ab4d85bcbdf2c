//! The headers that pass, in both directions. What is not named here does not pass to the backend.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, SET_COOKIE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers of a client that pass.
const PASS: [&str; 7] = [
    "originator",
    "version",
    "session-id",
    "session_id",
    "thread-id",
    "x-client-request-id",
    "openai-beta",
];
/// Beginnings of further ones.
const PASS_BEGINNING: [&str; 2] = ["x-codex-", "x-openai-"];
/// Those that belong to the login, and come from it alone.
const OF_THE_LOGIN: [&str; 3] = [
    "x-openai-account-routing-override",
    "x-openai-fedramp",
    "x-openai-internal-codex-residency",
];

/// Headers of an answer that do not pass: those of one hop (RFC 9110, section 7.6.1), cookies, what
/// admits web pages, and what leads to another address.
const STOP: [&str; 9] = [
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "proxy-connection",
    "alt-svc",
    "location",
];

/// Returns the headers of a client for the backend. An answer that is read here has to be plain.
pub(super) fn there(client: &HeaderMap, is_read_here: bool) -> HeaderMap {
    let passes = |name: &HeaderName| {
        let text = name.as_str();
        [ACCEPT, CONTENT_TYPE, CONTENT_ENCODING, USER_AGENT].contains(name)
            || PASS.contains(&text)
            || PASS_BEGINNING.iter().any(|begin| text.starts_with(begin))
                && !OF_THE_LOGIN.contains(&text)
    };
    let mut headers = HeaderMap::new();
    for (name, value) in client.iter().filter(|(name, _)| passes(name)) {
        headers.append(name.clone(), value.clone());
    }
    if is_read_here {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    } else {
        for value in client.get_all(ACCEPT_ENCODING) {
            headers.append(ACCEPT_ENCODING, value.clone());
        }
    }
    headers
}

/// Returns the headers of an answer for the client.
pub(super) fn back(backend: &HeaderMap) -> HeaderMap {
    let of_this_hop: Vec<_> = backend
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| {
            value
                .split(',')
                .map(|name| name.trim().to_ascii_lowercase())
        })
        .collect();
    let passes = |name: &HeaderName| {
        let text = name.as_str();
        *name != CONNECTION
            && *name != SET_COOKIE
            && !STOP.contains(&text)
            && !text.starts_with("access-control-")
            && !of_this_hop.iter().any(|other| other == text)
    };
    let mut headers = HeaderMap::new();
    for (name, value) in backend.iter().filter(|(name, _)| passes(name)) {
        headers.append(name.clone(), value.clone());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    fn headers(names: &[&'static str]) -> HeaderMap {
        let names = names.iter().copied().map(HeaderName::from_static);
        names
            .map(|name| (name, HeaderValue::from_static("made-up")))
            .collect()
    }

    #[test]
    fn a_client_names_itself_and_never_the_account() {
        let client = headers(&[
            "accept",
            "accept-encoding",
            "authorization",
            "chatgpt-account-id",
            "connection",
            "cookie",
            "host",
            "originator",
            "proxy-authorization",
            "referer",
            "session-id",
            "user-agent",
            "x-codex-turn-metadata",
            "x-forwarded-for",
            "x-openai-fedramp",
            "x-openai-internal-codex-residency",
            "x-openai-subagent",
        ]);
        let passed = [
            "accept",
            "accept-encoding",
            "originator",
            "session-id",
            "user-agent",
            "x-codex-turn-metadata",
            "x-openai-subagent",
        ];
        let there = there(&client, false);
        assert_eq!(names(&there), passed);
        assert_eq!(super::there(&client, true)[ACCEPT_ENCODING], "identity");
    }

    #[test]
    fn an_answer_has_no_cookies_and_nothing_for_web_pages() {
        let mut backend = headers(&[
            "access-control-allow-origin",
            "alt-svc",
            "content-type",
            "keep-alive",
            "location",
            "set-cookie",
            "transfer-encoding",
            "x-codex-primary-used-percent",
            "x-of-this-hop",
            "x-request-id",
        ]);
        backend.insert(CONNECTION, HeaderValue::from_static("close, X-Of-This-Hop"));
        let passed = [
            "content-type",
            "x-codex-primary-used-percent",
            "x-request-id",
        ];
        assert_eq!(names(&back(&backend)), passed);
    }
}
