//! The events of a streamed answer that matter for text.

use byokey_protocol::thread::TokenUsage;
use serde::Deserialize;

use super::error::ErrorDetails;
use super::rate_limits::RateLimitEvent;

/// One event, by its `type`.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Event {
    #[serde(rename = "response.output_item.added")]
    ItemAdded { item: Item },
    #[serde(rename = "response.output_text.delta")]
    TextDelta { delta: String },
    #[serde(rename = "response.output_item.done")]
    ItemDone { item: Item },
    #[serde(rename = "response.completed")]
    Completed { response: Completed },
    #[serde(rename = "response.failed")]
    Failed { response: Failed },
    #[serde(rename = "response.incomplete")]
    Incomplete {
        #[serde(default)]
        response: Unfinished,
    },
    #[serde(rename = "codex.rate_limits")]
    RateLimits(RateLimitEvent),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(crate) struct Item {
    #[serde(rename = "type")]
    kind: String,
    role: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) phase: Option<String>,
    #[serde(default)]
    content: Vec<Content>,
}

impl Item {
    /// Whether it is a message of the model. Other items are its thoughts.
    pub(crate) fn is_agent_message(&self) -> bool {
        self.kind == "message" && self.role.as_deref().is_none_or(|role| role == "assistant")
    }

    pub(crate) fn text(&self) -> String {
        let texts = self
            .content
            .iter()
            .filter(|part| part.kind == "output_text");
        texts.filter_map(|part| part.text.as_deref()).collect()
    }
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Completed {
    pub(crate) usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(crate) struct Failed {
    #[serde(default)]
    pub(crate) error: Option<ErrorDetails>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Unfinished {
    pub(crate) incomplete_details: Option<IncompleteDetails>,
}

#[derive(Default, Deserialize)]
pub(crate) struct IncompleteDetails {
    #[serde(default)]
    pub(crate) reason: Incomplete,
}

/// Why an answer is incomplete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// It is as long as it may be.
    MaxOutputTokens,
    /// A filter stopped it.
    ContentFilter,
    /// For a reason without a name here, or none was told.
    #[default]
    #[serde(other)]
    Other,
}

impl Incomplete {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::MaxOutputTokens => ", reason: max_output_tokens",
            Self::ContentFilter => ", reason: content_filter",
            Self::Other => "",
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    input_tokens: i64,
    input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    output_tokens: i64,
    output_tokens_details: Option<OutputDetails>,
    #[serde(default)]
    total_tokens: i64,
}

#[derive(Default, Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: i64,
    #[serde(default)]
    cache_write_tokens: i64,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: i64,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        let input = usage.input_tokens_details.unwrap_or_default();
        Self {
            total_tokens: usage.total_tokens,
            input_tokens: usage.input_tokens,
            cached_input_tokens: input.cached_tokens,
            cache_write_input_tokens: input.cache_write_tokens,
            output_tokens: usage.output_tokens,
            reasoning_output_tokens: usage
                .output_tokens_details
                .map_or(0, |d| d.reasoning_tokens),
        }
    }
}
