//! What a gateway says when it is ready: one line of JSON, through a pipe.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// How long the list of models may take. Without it an agent chooses a model itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest list of models.
const MAX_MODELS: u64 = 4 * 1024 * 1024;

/// A gateway that is ready.
#[derive(Debug, Deserialize)]
pub(super) struct Announced {
    /// Its address, without a slash at the end.
    pub(super) url: String,
    /// What it admits requests by. It is worth something to this gateway alone, while it runs.
    pub(super) bearer: String,
    pub(super) account: Account,
}

/// The login in force.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    /// `chatgpt`, `apiKey`, or `provider`, which has its own key or needs none.
    pub(super) kind: String,
    pub(super) email: Option<String>,
}

/// A line of a gateway.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Failed { error: Problem },
    Ready(Announced),
}

/// Why it is not ready, in its own words.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[derive(Debug, Deserialize)]
struct Problem {
    message: String,
}

impl Announced {
    /// Parses the line of a gateway.
    ///
    /// # Errors
    ///
    /// The words of the gateway, or that there are none.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(line) {
            Ok(Line::Ready(announced)) => Ok(announced),
            Ok(Line::Failed { error }) => Err(error.message),
            Err(_) => Err(
                "the gateway ended before it was ready; `--gateway-log FILE` has its \
                           log"
                .to_owned(),
            ),
        }
    }

    /// Returns the model that the account is offered first, if the gateway says so in time.
    pub(super) fn default_model(&self) -> Option<String> {
        let address: SocketAddr = self.url.strip_prefix("http://")?.parse().ok()?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "GET /v1/models HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nAccept: \
             application/json\r\n\r\n",
            self.bearer
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.take(MAX_MODELS).read_to_end(&mut answer).ok()?;
        first_model(&String::from_utf8(answer).ok()?)
    }
}

impl Account {
    pub(super) fn is_chatgpt(&self) -> bool {
        self.kind == "chatgpt"
    }
}

/// Returns the listed model of the lowest `priority`, as codex chooses; or the first one of a list in
/// OpenAI's shape.
fn first_model(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    if status != "200" {
        return None;
    }
    let list: Value = serde_json::from_str(body).ok()?;
    let models = list["models"].as_array().map_or(&[][..], Vec::as_slice);
    let listed = models.iter().filter(|model| model["visibility"] == "list");
    let first = listed.min_by_key(|model| model["priority"].as_i64().unwrap_or(i64::MAX));
    let id = first.map_or(&list["data"][0]["id"], |model| &model["slug"]);
    Some(id.as_str()?.to_owned())
}

#[cfg(test)]
impl Announced {
    /// Returns one with a made-up bearer. Nothing listens there.
    pub(super) fn fake() -> Self {
        Self {
            url: "http://127.0.0.1:8455".to_owned(),
            bearer: "at-made-up".to_owned(),
            account: Account {
                kind: "chatgpt".to_owned(),
                email: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    use super::Announced;
    use super::first_model;

    #[test]
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn a_line_is_a_gateway_or_its_words() {
        let ready = br#"{"url":"http://127.0.0.1:1","bearer":"at-x","account":{"kind":"apiKey"}}"#;
        let ready = Announced::parse(ready).unwrap();
        assert!(!ready.account.is_chatgpt() && ready.account.email.is_none());
        let failed = br#"{"error":{"code":"signed_out","message":"run `byokey login`"}}"#;
        assert_eq!(Announced::parse(failed).unwrap_err(), "run `byokey login`");
        for broken in ["", "{}", "null", "{\"url\":1}"] {
            let problem = Announced::parse(broken.as_bytes()).unwrap_err();
            assert!(problem.contains("ended before"), "{problem}");
        }
    }

    #[test]
    fn the_first_model_is_the_listed_one_of_the_lowest_priority() {
        let answer = |status: &str, body: &str| {
            first_model(&format!("HTTP/1.1 {status} X\r\nA: b\r\n\r\n{body}"))
        };
        let both = r#"{"data":[{"id":"z"}],"models":[
            {"slug":"a","priority":1,"visibility":"hide"},
            {"slug":"b","priority":9,"visibility":"list"},
            {"slug":"c","priority":3,"visibility":"list"}]}"#;
        assert_eq!(answer("200", both).as_deref(), Some("c"));
        let api = r#"{"data":[{"id":"z"}]}"#;
        assert_eq!(answer("200", api).as_deref(), Some("z"));
        assert!(answer("401", api).is_none() && answer("200", "").is_none());
    }
}
