//! One step of a script.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::ending::Ending;
use crate::answer::endless::Endless;
use crate::answer::usage::TokenUsage;
use crate::presets::preset::Preset;
use crate::presets::table;

/// The response to one request, or to several in a row.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) content: Content,
    pub(crate) ending: Ending,
    pub(crate) headers: HeaderMap,
    /// The delay before the response starts.
    pub(crate) delay: Duration,
    /// The delay between two events.
    pub(crate) delta_delay: Duration,
    /// The delay between two bytes, which are sent one at a time. Zero sends whole events.
    pub(crate) drip: Duration,
    /// The number of requests; 0 is for ever.
    pub(crate) repeat: u32,
}

/// The content of a response.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// The default response of the route.
    Default,
    Plain {
        status: StatusCode,
        body: Option<Value>,
    },
    Text {
        pieces: Vec<String>,
        usage: Option<TokenUsage>,
    },
    Events(Vec<Value>),
    /// Verbatim bytes, in these pieces.
    Raw(Vec<String>),
    Endless {
        status: StatusCode,
        what: Endless,
        /// The number of bytes after which it falls silent.
        most: Option<usize>,
    },
    /// A preset.
    Preset(&'static Preset),
}

impl Default for Step {
    fn default() -> Self {
        Self {
            content: Content::Default,
            ending: Ending::Finish,
            headers: HeaderMap::new(),
            delay: Duration::ZERO,
            delta_delay: Duration::ZERO,
            drip: Duration::ZERO,
            repeat: 1,
        }
    }
}

/// The JSON form of a step.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    preset: Option<String>,
    status: Option<u16>,
    body: Option<Value>,
    text: Option<Vec<String>>,
    usage: Option<TokenUsage>,
    events: Option<Vec<Value>>,
    raw: Option<Vec<String>>,
    endless: Option<Endless>,
    endless_bytes: Option<usize>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    delta_delay_ms: u64,
    #[serde(default)]
    drip_ms: u64,
    #[serde(default)]
    hang: bool,
    #[serde(default)]
    drop: bool,
    #[serde(default = "once")]
    repeat: u32,
}

const fn once() -> u32 {
    1
}

impl Step {
    pub(crate) fn from_value(value: Value) -> Result<Self, StepError> {
        let written: Written = serde_json::from_value(value).map_err(StepError::Shape)?;
        written.check_members()?;
        Ok(Self {
            ending: match (
                written.hang || written.endless_bytes.is_some(),
                written.drop,
            ) {
                (true, _) => Ending::Hang,
                (_, true) => Ending::Drop,
                _ => Ending::Finish,
            },
            headers: read_headers(&written.headers)?,
            delay: Duration::from_millis(written.delay_ms),
            delta_delay: Duration::from_millis(written.delta_delay_ms),
            drip: Duration::from_millis(written.drip_ms),
            repeat: written.repeat,
            content: written.into_content()?,
        })
    }
}

impl Written {
    /// Rejects combinations of which one member would be ignored: the author expects both to count.
    fn check_members(&self) -> Result<(), StepError> {
        let preset = ("preset", self.preset.is_some());
        let status = ("status", self.status.is_some());
        let body = ("body", self.body.is_some());
        let text = ("text", self.text.is_some());
        let usage = ("usage", self.usage.is_some());
        let events = ("events", self.events.is_some());
        let raw = ("raw", self.raw.is_some());
        let endless = ("endless", self.endless.is_some());
        let delta_delay = ("deltaDelayMs", self.delta_delay_ms > 0);
        let hang = ("hang", self.hang);
        let drop = ("drop", self.drop);
        for (one, others) in [
            (
                preset,
                &[status, body, text, events, raw, endless, usage, hang, drop][..],
            ),
            (status, &[text, events, raw, usage, delta_delay, hang, drop]),
            (
                body,
                &[text, events, raw, endless, usage, delta_delay, hang, drop],
            ),
            (events, &[text, raw, endless, usage]),
            (raw, &[text, endless, usage]),
            (endless, &[text, usage, hang, drop]),
            (hang, &[drop]),
        ] {
            if let Some(other) = others.iter().find(|other| one.1 && other.1) {
                return Err(StepError::Conflict {
                    one: one.0,
                    other: other.0,
                });
            }
        }
        if usage.1 && !text.1 {
            return Err(StepError::UsageWithoutText);
        }
        if self.endless_bytes.is_some() && !endless.1 {
            return Err(StepError::BytesWithoutEndless);
        }
        Ok(())
    }

    fn into_content(self) -> Result<Content, StepError> {
        if let Some(name) = self.preset {
            let preset = table::named(&name).ok_or(StepError::UnknownPreset { name })?;
            return Ok(Content::Preset(preset));
        }
        if let Some(pieces) = self.text {
            return Ok(Content::Text {
                pieces,
                usage: self.usage,
            });
        }
        if let Some(events) = self.events {
            let wrong = |event: &Value| !event.is_object() && !event.is_string();
            return match events.iter().position(wrong) {
                Some(index) => Err(StepError::Event { index }),
                None => Ok(Content::Events(events)),
            };
        }
        if let Some(pieces) = self.raw {
            return Ok(Content::Raw(pieces));
        }
        if let Some(what) = self.endless {
            let status = final_status(self.status)?;
            let most = self.endless_bytes;
            return Ok(Content::Endless { status, what, most });
        }
        if self.status.is_none() && self.body.is_none() {
            return Ok(Content::Default);
        }
        Ok(Content::Plain {
            status: final_status(self.status)?,
            body: self.body,
        })
    }
}

/// Checks a status; the default is 200. An informational one is not a response, and the highest is
/// 599.
fn final_status(written: Option<u16>) -> Result<StatusCode, StepError> {
    let status = written.unwrap_or(200);
    match StatusCode::from_u16(status) {
        Ok(code) if (200..600).contains(&status) => Ok(code),
        _ => Err(StepError::Status(status)),
    }
}

fn read_headers(written: &BTreeMap<String, String>) -> Result<HeaderMap, StepError> {
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let bad = |problem| StepError::Header {
            name: name.clone(),
            problem,
        };
        let key = HeaderName::try_from(name).map_err(|_| bad("its name is not valid"))?;
        let value = HeaderValue::try_from(value).map_err(|_| bad("its value is not valid"))?;
        // These frame the message, so a wrong one would break the connection instead of testing
        // something.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&key) {
            return Err(bad("it is set by the server"));
        }
        headers.insert(key, value);
    }
    Ok(headers)
}

/// Why a step is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A member is unknown or of the wrong type.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// Two members exclude each other.
    #[error("`{one}` and `{other}` do not go together")]
    Conflict {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// `usage` without a reply that it could belong to.
    #[error("`usage` needs `text`")]
    UsageWithoutText,
    /// `endlessBytes` without the answer that it cuts.
    #[error("`endlessBytes` needs `endless`")]
    BytesWithoutEndless,
    /// An event is neither an object nor a string.
    #[error("events[{index}] is neither an object nor a string")]
    Event {
        /// Its index in the list.
        index: usize,
    },
    /// The preset does not exist.
    #[error("no such preset: {name}, expected one of {}", table::names().join(", "))]
    UnknownPreset {
        /// The name.
        name: String,
    },
    /// The status is not that of a final response.
    #[error("status {0} is not within 200 to 599")]
    Status(u16),
    /// An invalid header.
    #[error("header `{name}`: {problem}")]
    Header {
        /// Its name.
        name: String,
        /// The problem.
        problem: &'static str,
    },
}
