//! The pages of the callback server.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::callback::{RejectReason, SUCCESS_PATH};
use super::failure::LoginFailure;

/// A response of the callback server.
pub(super) type Page = Response<Full<Bytes>>;

/// Returns the response to a rejected request.
pub(super) fn rejected(reason: RejectReason) -> Page {
    let (status, text) = match reason {
        RejectReason::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
        RejectReason::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        RejectReason::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
        RejectReason::Ambiguous => (StatusCode::BAD_REQUEST, "A parameter is there twice"),
        RejectReason::StateMismatch => (StatusCode::BAD_REQUEST, "State mismatch"),
    };
    let mut page = text_page(status, text);
    if reason == RejectReason::MethodNotAllowed {
        page.headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
    }
    page
}

/// Returns the response to a program that cancels the login.
pub(super) fn cancelled() -> Page {
    text_page(StatusCode::OK, "Login cancelled")
}

/// Redirects the browser to an address without the code.
pub(super) fn to_success() -> Page {
    let mut page = text_page(StatusCode::SEE_OTHER, "");
    let location = HeaderValue::from_static(SUCCESS_PATH);
    page.headers_mut().insert(LOCATION, location);
    page
}

/// Returns the page of a successful login.
pub(super) fn success() -> Page {
    html(
        "Signed in",
        "<p>You are signed in. You can close this page.</p>",
    )
}

/// Returns the page for a success that has not happened yet, or is over.
pub(super) fn no_login() -> Page {
    text_page(StatusCode::NOT_FOUND, "No login has ended here")
}

/// Returns the page of a failed login. `said` is the issuer's error, if it sent one.
pub(super) fn failure(failure: &LoginFailure, said: Option<(&str, &str)>) -> Page {
    let title = match failure {
        LoginFailure::NotEntitled => "You do not have access to Codex",
        _ => "Sign-in could not be completed",
    };
    let mut body = format!("<p>{}</p>", escaped(&failure.to_string()));
    if let Some((code, description)) = said {
        body.push_str(&format!("<p><code>{}</code></p>", escaped(code)));
        body.push_str(&format!("<p>{}</p>", escaped(description)));
    }
    body.push_str("<p>Go back to the program and start the login again.</p>");
    html(title, &body)
}

fn html(title: &str, body: &str) -> Page {
    let title = escaped(title);
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;\
         color:#222;background:#fff}}@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#111}}}}\
         </style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    page(StatusCode::OK, "text/html; charset=utf-8", text)
}

fn text_page(status: StatusCode, text: &'static str) -> Page {
    page(status, "text/plain; charset=utf-8", text.to_owned())
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Page {
    let mut page = Response::new(Full::new(Bytes::from(text)));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (CONNECTION, "close"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    page
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::{failure, to_success};
    use crate::login::LoginFailure;

    #[tokio::test]
    async fn what_the_issuer_said_is_escaped() {
        let denied = LoginFailure::Denied("access_denied".into());
        let page = failure(&denied, Some(("<i>", "<script>alert('\"&')</script>")));
        assert_eq!(page.headers()["cache-control"], "no-store");
        assert_eq!(page.headers()["referrer-policy"], "no-referrer");
        let body = page.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"));
        assert!(!text.contains("<script>") && !text.contains("<i>"));
    }

    #[test]
    fn the_code_does_not_stay_in_the_history() {
        let page = to_success();
        assert_eq!(page.status(), 303);
        assert_eq!(page.headers()["location"], "/success");
    }
}
