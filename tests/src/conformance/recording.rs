//! Transcripts: of codex in a recording, of ours in a replay.

use serde::Deserialize;
use serde_json::Value;

use super::folder;

/// The messages and the requests to the backend, normalised.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Transcript {
    /// The messages in the order of the wire.
    pub exchange: Vec<Said>,
    /// Messages without a fixed place.
    #[serde(default)]
    pub unordered: Vec<Said>,
    /// Requests to the backend, in order.
    pub backend: Vec<Value>,
    /// Exit status after the input was closed.
    pub exit: Option<i32>,
    /// The steps that timed out.
    #[serde(skip)]
    pub stuck: Vec<String>,
}

/// One message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Said {
    /// Of the client.
    Client(Value),
    /// Of the server.
    Server(Value),
}

/// Returns the recording of a scenario from a version of codex, if there is one.
///
/// # Panics
///
/// When it cannot be read.
#[must_use]
pub fn recording(version: &str, scenario: &str) -> Option<Transcript> {
    let path = folder().join(format!("recorded/{version}/{scenario}.json"));
    let text = std::fs::read_to_string(&path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
