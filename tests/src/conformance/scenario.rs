//! A scenario: the client's actions and the backend's responses.

use serde::Deserialize;
use serde_json::Value;

use super::folder;

/// One scenario. The README next to the scenarios describes the members.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    /// Name of its file.
    #[serde(skip)]
    pub name: String,
    /// Text of `config.toml`.
    pub config: String,
    /// Script of the backend.
    #[serde(default)]
    pub backend: Value,
    /// The client's actions, in order.
    pub steps: Vec<Step>,
}

/// One action of the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// Sends a message.
    Send {
        /// The message, with its placeholders.
        send: Value,
        /// Whether it is sent without waiting for silence.
        #[serde(default, rename = "atOnce")]
        at_once: bool,
    },
    /// Waits for a message.
    Await {
        /// Which one.
        #[serde(rename = "await")]
        what: Awaited,
    },
    /// Waits.
    Quiet {
        /// Milliseconds.
        quiet: u64,
    },
    /// Closes the program's input.
    Close {
        /// Always true.
        #[serde(rename = "close")]
        _close: bool,
    },
}

/// An awaited message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Awaited {
    /// Id of a request of the client.
    pub response: Option<Value>,
    /// Method of a notification.
    pub notification: Option<String>,
    /// Method of a request of the server.
    pub request: Option<String>,
    /// The immediate answer to that request.
    pub answer: Option<Value>,
}

impl Scenario {
    /// Returns whether its backend names another origin for model calls.
    #[must_use]
    pub fn has_origin(&self) -> bool {
        self.backend.to_string().contains("$ORIGIN")
    }

    /// Returns whether it starts a browser login, which needs a port of its own.
    #[must_use]
    pub fn asks_for_browser(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Send { send, .. } => send["params"]["type"] == "chatgpt",
            _ => false,
        })
    }
}

/// Returns all scenarios, by name.
///
/// # Panics
///
/// When one cannot be read.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let files = std::fs::read_dir(folder().join("scenarios")).expect("the scenarios");
    let mut all: Vec<Scenario> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a readable scenario");
            let mut scenario: Scenario = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().expect("a name");
            scenario.name = name.to_string_lossy().into_owned();
            scenario
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}
