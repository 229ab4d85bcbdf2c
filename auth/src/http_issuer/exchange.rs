//! One request to the issuer and its response.

use std::sync::Arc;
use std::time::Duration;

use byokey_base::memory;
use byokey_http::{HttpClient, HttpFailure, Sensitivity};
use byokey_protocol::secret::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::{IssuerFailure, is_identifier};

/// Timeout of a call.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest response, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// The code of a refused country (403), at the issuer as at the backend.
const COUNTRY: &str = "unsupported_country_region_territory";

/// Sends requests to the issuer.
pub(super) struct IssuerClient {
    http: Arc<HttpClient>,
}

/// A request to be sent.
pub(super) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

/// A complete response. Its body is wiped on drop.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Zeroizing<Vec<u8>>,
}

impl IssuerClient {
    pub(super) const fn new(http: Arc<HttpClient>) -> Self {
        Self { http }
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, IssuerFailure> {
        tokio::time::timeout(DEADLINE, self.exchange(request))
            .await
            .map_err(|_| unanswered(&HttpFailure::Timeout))?
    }

    async fn exchange(&self, request: Request) -> Result<Answer, IssuerFailure> {
        let Request {
            method,
            url,
            headers,
            body,
        } = request;
        let request = byokey_http::Request {
            method,
            url,
            headers,
            body,
            // Refresh tokens, codes, and their responses: all are login secrets.
            sensitivity: Sensitivity::Login,
            // The issuer would recognise the last account by its ticket.
            era: None,
        };
        let sent = self.http.send(request).await;
        let mut response = sent.map_err(|failure| unanswered(&failure))?;
        let status = response.status();
        if let Some(challenged) = challenge(status, response.headers()) {
            return Err(challenged);
        }
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|_| unanswered(&HttpFailure::Interrupted))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(IssuerFailure::UnexpectedAnswer);
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Answer { status, body };
        if answer.is_about_the_country() {
            return Err(IssuerFailure::CountryRefused);
        }
        Ok(answer)
    }
}

/// Returns the failure, if the head is that of a challenge: a page in place of a response.
fn challenge(status: StatusCode, headers: &HeaderMap) -> Option<IssuerFailure> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let is_page = header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    let is_challenge = header("cf-mitigated").is_some();
    (is_challenge || status == StatusCode::FORBIDDEN && is_page).then(|| {
        let ray = header("cf-ray").filter(|ray| is_identifier(ray));
        IssuerFailure::Challenged {
            ray: ray.map(str::to_owned),
        }
    })
}

fn unanswered(failure: &HttpFailure) -> IssuerFailure {
    let text = failure.describe("the issuer").to_string();
    let kind = failure.kind();
    if failure.is_transient() {
        IssuerFailure::Unreachable { kind, text }
    } else {
        IssuerFailure::NotAsked { kind, text }
    }
}

impl Request {
    pub(super) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Returns a request with a form as its body. The values may be secrets.
    pub(super) fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let length: usize = fields.iter().map(|(_, value)| 3 * value.len() + 64).sum();
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(length));
        form.extend_pairs(fields);
        let body = Zeroizing::new(form.finish().into_bytes());
        Self::new(Method::POST, url).with_body("application/x-www-form-urlencoded", body)
    }

    /// Returns a request with a JSON body. The values may be secrets.
    pub(super) fn json(url: Url, body: &impl Serialize) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        if serde_json::to_writer(&mut *bytes, body).is_err() {
            // The bodies are structs of strings, which always serialise.
            bytes.clear();
        }
        Self::new(Method::POST, url).with_body("application/json", bytes)
    }

    pub(super) fn bearer(mut self, token: &Secret) -> Self {
        if let Ok(value) = memory::header(token) {
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    fn new(method: Method, url: Url) -> Self {
        // No user agent, as in codex: `docs/decisions/0036-what-the-edge-sees-of-a-client.md`.
        let headers = [(ACCEPT, HeaderValue::from_static("application/json"))];
        Self {
            method,
            url,
            headers: headers.into_iter().collect(),
            body: None,
        }
    }

    fn with_body(mut self, kind: &'static str, body: Zeroizing<Vec<u8>>) -> Self {
        let kind = HeaderValue::from_static(kind);
        self.headers.insert(CONTENT_TYPE, kind);
        self.body = Some(Bytes::from_owner(body));
        self
    }
}

impl Answer {
    #[cfg(test)]
    pub(super) fn of(status: u16, body: &str) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        }
    }

    /// Returns whether the issuer refuses the country of the network. The code is an object's or,
    /// as in other refusals, a string.
    pub(super) fn is_about_the_country(&self) -> bool {
        if self.status != StatusCode::FORBIDDEN {
            return false;
        }
        let body: Value = self.json().unwrap_or_default();
        let is_code = |found: &Value| found.as_str().is_some_and(|code| code == COUNTRY);
        ["error", "detail"].iter().any(|name| {
            let found = &body[*name];
            is_code(found) || is_code(&found["code"])
        }) || is_code(&body["code"])
    }

    /// Returns the response, unless it has an error status.
    pub(super) fn successful(&self) -> Result<&Self, IssuerFailure> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(IssuerFailure::Status(self.status))
    }

    /// Parses the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, IssuerFailure> {
        serde_json::from_slice(&self.body).map_err(|_| IssuerFailure::UnexpectedAnswer)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn a_refused_country_is_known_by_its_code_and_status() {
        let code = "unsupported_country_region_territory";
        for (status, body, expected) in [
            (403, format!(r#"{{"error":{{"code":"{code}"}}}}"#), true),
            (403, format!(r#"{{"error":"{code}"}}"#), true),
            (403, format!(r#"{{"detail":{{"code":"{code}"}}}}"#), true),
            (403, format!(r#"{{"code":"{code}"}}"#), true),
            (401, format!(r#"{{"error":{{"code":"{code}"}}}}"#), false),
            (403, format!(r#"{{"error":{{"message":"{code}"}}}}"#), false),
            (
                403,
                r#"{"error":{"code":"refresh_token_reused"}}"#.to_owned(),
                false,
            ),
            (403, "[]".to_owned(), false),
            (403, String::new(), false),
        ] {
            let answer = Answer::of(status, &body);
            assert_eq!(answer.is_about_the_country(), expected, "{status} {body}");
        }
    }
}
