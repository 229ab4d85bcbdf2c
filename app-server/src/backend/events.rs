//! The relevant events of a streamed response.

use byokey_protocol::thread::TokenUsage;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::details::ErrorDetails;
use super::lenient::{self, Elements, Integer, Name, Text};
use super::limits::{MAX_EVENT, MAX_OUTPUT_ITEMS, MAX_SUMMARY_PARTS};
use super::rate_limits::RateLimitEvent;
use super::reasoning::{Reasoning, Summary};
use super::sse::RawEvent;

/// One event.
pub(crate) enum Event {
    ItemAdded(Item),
    /// A delta of the message, or of the model's refusal.
    TextDelta(String),
    ItemDone(Item),
    Completed(Option<Usage>),
    Failed(Option<ErrorDetails>),
    Incomplete(Incomplete),
    /// The cause of a failure that follows.
    Error(Option<ErrorDetails>),
    RateLimits(Box<RateLimitEvent>),
    Other,
}

/// Types of relevant events: one that cannot be parsed is an error.
const KNOWN: [&str; 9] = [
    "response.output_item.added",
    "response.output_text.delta",
    "response.refusal.delta",
    "response.output_item.done",
    "response.completed",
    "response.failed",
    "response.incomplete",
    "error",
    "codex.rate_limits",
];

/// The type of a known event that cannot be parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl Event {
    pub(crate) fn parse(raw: &RawEvent) -> Result<Self, Unreadable> {
        let data = String::from_utf8_lossy(&raw.data);
        let Some(kind) = known_type(&data, raw.name.as_deref()) else {
            return Ok(Self::Other);
        };
        Self::of_type(kind, &data).ok_or(Unreadable(kind))
    }

    fn of_type(kind: &'static str, data: &str) -> Option<Self> {
        Some(match kind {
            "response.output_item.added" => item(data)?.map_or(Self::Other, Self::ItemAdded),
            "response.output_item.done" => Self::ItemDone(item(data)??),
            "response.output_text.delta" | "response.refusal.delta" => {
                Self::TextDelta(parse::<Delta>(data)?.delta?)
            }
            "response.completed" => {
                let response = parse::<Envelope<Completed>>(data)?.response;
                Self::Completed(response.and_then(|response| response.usage))
            }
            "response.failed" => {
                let response = parse::<Envelope<Failed>>(data)?.response;
                Self::Failed(response.and_then(|response| response.error))
            }
            "response.incomplete" => {
                let response = parse::<Envelope<Unfinished>>(data)?.response;
                let details = response.and_then(|response| response.incomplete_details);
                let reason = details.and_then(|details| details.reason);
                Self::Incomplete(reason.unwrap_or_default())
            }
            "error" => Self::Error(ErrorDetails::parse(data)),
            _ => Self::RateLimits(Box::new(parse(data)?)),
        })
    }
}

fn parse<T: DeserializeOwned>(data: &str) -> Option<T> {
    lenient::object(data)
}

fn item(data: &str) -> Option<Option<Item>> {
    Some(parse::<ItemEvent>(data)?.item)
}

/// Returns the type of an event, if known: its member `type`, else its field `event`. Invalid JSON
/// is searched for the member, so that a broken event can be named.
fn known_type(data: &str, name: Option<&str>) -> Option<&'static str> {
    let known = |wanted: &str| KNOWN.into_iter().find(|known| *known == wanted);
    match parse::<Head>(data) {
        Some(Head { kind: Some(kind) }) => known(&kind.0),
        Some(Head { kind: None }) => known(name?),
        None => {
            let member = data.split_once("\"type\"").and_then(|(_, rest)| {
                let rest = rest.trim_start().strip_prefix(':')?.trim_start();
                rest.strip_prefix('"')?.split_once('"')
            });
            known(member.map(|(kind, _)| kind).or(name)?)
        }
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type", default, deserialize_with = "lenient::member")]
    kind: Option<Name>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default, deserialize_with = "lenient::member")]
    delta: Option<String>,
}

#[derive(Deserialize)]
struct ItemEvent {
    #[serde(default, deserialize_with = "lenient::member")]
    item: Option<Item>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    #[serde(default, deserialize_with = "lenient::member")]
    response: Option<T>,
}

#[derive(Deserialize)]
pub(crate) struct Item {
    #[serde(rename = "type", default, deserialize_with = "lenient::member")]
    kind: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    role: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    id: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    phase: Option<Name>,
    #[serde(default, deserialize_with = "lenient::list")]
    content: Option<Elements<Content, MAX_OUTPUT_ITEMS>>,
    #[serde(default, deserialize_with = "lenient::list")]
    summary: Option<Elements<SummaryPart, MAX_SUMMARY_PARTS>>,
    #[serde(default, deserialize_with = "lenient::member")]
    encrypted_content: Option<Text<MAX_EVENT>>,
}

#[derive(Deserialize)]
struct SummaryPart {
    #[serde(default, deserialize_with = "lenient::member")]
    text: Option<Text<MAX_EVENT>>,
}

impl Item {
    /// Returns whether it is a message of the model. Other items are reasoning.
    pub(crate) fn is_agent_message(&self) -> bool {
        let is = |member: &Option<Name>, wanted| member.as_ref().is_none_or(|it| it.0 == wanted);
        self.kind.is_some() && is(&self.kind, "message") && is(&self.role, "assistant")
    }

    /// Returns the text, including a refusal.
    pub(crate) fn text(&self) -> String {
        let parts = self.content.iter().flat_map(|content| &content.0);
        parts.filter_map(Content::text).collect()
    }

    /// Returns the encrypted reasoning, if the item is one. An item without encrypted content is
    /// meaningless for the backend.
    pub(crate) fn into_reasoning(self) -> Option<Reasoning> {
        let is_reasoning = self.kind.is_some_and(|kind| kind.0 == "reasoning");
        let encrypted_content = self.encrypted_content.filter(|_| is_reasoning)?.0;
        // As in codex: an id of another form is not sent back.
        let id = self.id.map(|id| id.0).filter(|id| id.starts_with("rs_"));
        let parts = self.summary.unwrap_or_default().0.into_iter();
        Some(Reasoning {
            id,
            summary: parts
                .filter_map(|part| Some(Summary { text: part.text?.0 }))
                .collect(),
            content: (),
            encrypted_content,
        })
    }

    pub(crate) fn id(&self) -> Option<String> {
        self.id.as_ref().map(|id| id.0.clone())
    }

    pub(crate) fn phase(&self) -> Option<String> {
        self.phase.as_ref().map(|phase| phase.0.clone())
    }
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "type", default, deserialize_with = "lenient::member")]
    kind: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    text: Option<Text<MAX_EVENT>>,
    #[serde(default, deserialize_with = "lenient::member")]
    refusal: Option<Text<MAX_EVENT>>,
}

impl Content {
    fn text(&self) -> Option<&str> {
        let text = match self.kind.as_ref()?.0.as_str() {
            "output_text" => self.text.as_ref(),
            "refusal" => self.refusal.as_ref(),
            _ => None,
        };
        text.map(|text| text.0.as_str())
    }
}

#[derive(Deserialize)]
struct Completed {
    #[serde(default, deserialize_with = "lenient::member")]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default, deserialize_with = "lenient::member")]
    error: Option<ErrorDetails>,
}

#[derive(Deserialize)]
struct Unfinished {
    #[serde(default, deserialize_with = "lenient::member")]
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    #[serde(default, deserialize_with = "lenient::member")]
    reason: Option<Incomplete>,
}

/// Why a response is incomplete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// The maximal length was reached.
    MaxOutputTokens,
    /// A filter stopped it.
    ContentFilter,
    /// For an unknown reason, or none was given.
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
    #[serde(default, deserialize_with = "lenient::member")]
    input_tokens: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    input_tokens_details: Option<InputDetails>,
    #[serde(default, deserialize_with = "lenient::member")]
    output_tokens: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    output_tokens_details: Option<OutputDetails>,
    #[serde(default, deserialize_with = "lenient::member")]
    total_tokens: Option<Integer>,
}

#[derive(Default, Deserialize)]
struct InputDetails {
    #[serde(default, deserialize_with = "lenient::member")]
    cached_tokens: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    cache_write_tokens: Option<Integer>,
}

#[derive(Default, Deserialize)]
struct OutputDetails {
    #[serde(default, deserialize_with = "lenient::member")]
    reasoning_tokens: Option<Integer>,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        let count = |number: Option<Integer>| number.map_or(0, |number| number.0.max(0));
        let input = usage.input_tokens_details.unwrap_or_default();
        let output = usage.output_tokens_details.unwrap_or_default();
        let (input_tokens, output_tokens) = (count(usage.input_tokens), count(usage.output_tokens));
        Self {
            total_tokens: match usage.total_tokens {
                Some(total) => total.0.max(0),
                None => input_tokens.saturating_add(output_tokens),
            },
            input_tokens,
            cached_input_tokens: count(input.cached_tokens),
            cache_write_input_tokens: count(input.cache_write_tokens),
            output_tokens,
            reasoning_output_tokens: count(output.reasoning_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: Option<&str>, data: &str) -> Result<Event, Unreadable> {
        let (name, data) = (name.map(str::to_owned), data.as_bytes().to_vec());
        Event::parse(&RawEvent { name, data })
    }

    #[test]
    fn a_known_event_that_cannot_be_read_names_itself() {
        for (name, data, kind) in [
            (
                None,
                r#"{"type":"response.output_text.delta","delta":7}"#,
                KNOWN[1],
            ),
            (
                None,
                r#"{"type":"response.output_item.done","item":[]}"#,
                KNOWN[3],
            ),
            (
                None,
                r#"{"type":"response.completed","response":{"id"#,
                KNOWN[4],
            ),
            (None, r#"{"x":1,"type" : "response.failed","#, KNOWN[5]),
            (Some("response.incomplete"), "{", KNOWN[6]),
        ] {
            assert_eq!(read(name, data).err(), Some(Unreadable(kind)), "{data}");
        }
        for (name, data) in [
            (None, "[DONE]"),
            (None, "{"),
            (Some("keepalive"), "{}"),
            (None, r#"{"type":"response.unknown","delta":7}"#),
            (None, r#"{"type":7}"#),
        ] {
            assert!(matches!(read(name, data), Ok(Event::Other)), "{data}");
        }
    }

    #[test]
    fn an_event_may_have_its_type_in_its_name_alone() {
        let event = read(Some("response.output_text.delta"), r#"{"delta":"x"}"#);
        assert!(matches!(event, Ok(Event::TextDelta(text)) if text == "x"));
    }

    #[test]
    fn counters_of_every_type_are_read() {
        let usage = |usage: &str| {
            let data = format!(r#"{{"type":"response.completed","response":{{"usage":{usage}}}}}"#);
            let Ok(Event::Completed(usage)) = read(None, &data) else {
                panic!("{data}");
            };
            usage.map(TokenUsage::from).map(|usage| {
                let details = [usage.cached_input_tokens, usage.reasoning_output_tokens];
                (
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.total_tokens,
                    details,
                )
            })
        };
        assert_eq!(usage("null"), None);
        assert_eq!(usage("[]"), None);
        assert_eq!(usage("{}"), Some((0, 0, 0, [0, 0])));
        let odd = r#"{"input_tokens":"9","output_tokens":1.0,"total_tokens":null,
            "input_tokens_details":7,"output_tokens_details":{"reasoning_tokens":3}}"#;
        assert_eq!(usage(odd), Some((9, 1, 10, [0, 3])));
        let large = r#"{"input_tokens":18446744073709551615,"output_tokens":9223372036854775807,
            "input_tokens_details":{"cached_tokens":-4}}"#;
        assert_eq!(usage(large), Some((i64::MAX, i64::MAX, i64::MAX, [0, 0])));
    }
}
