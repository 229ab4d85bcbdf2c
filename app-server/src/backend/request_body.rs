//! Body of a model request: the Responses API, text only.

use std::io;
use std::sync::Arc;

use byokey_auth::AccountIdentity;
use serde::Serialize;

use super::model_list::BUILT_IN;
use super::reasoning::{INCLUDE, OwnedReasoning, Reasoning};

/// Instructions of threads without any.
const DEFAULT_INSTRUCTIONS: &str =
    "You are a helpful assistant. Answer in plain text. You have no tools.";

/// The content of a turn's request to the model.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    /// The thread's id; the backend groups requests by it.
    pub thread_id: String,
    /// The model.
    pub model: String,
    /// Instructions that replace the default ones.
    pub base_instructions: Option<String>,
    /// Additional instructions.
    pub developer_instructions: Option<String>,
    /// Reasoning effort.
    pub effort: Option<String>,
    /// Reasoning summary.
    pub summary: Option<String>,
    /// The conversation so far.
    pub conversation: Vec<ChatItem>,
}

/// One item of the conversation.
#[derive(Clone, Debug)]
pub enum ChatItem {
    /// A message.
    Message(ChatMessage),
    /// The model's reasoning before the message that follows.
    Reasoning(Arc<OwnedReasoning>),
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub struct ChatMessage {
    /// The role of its author.
    pub role: Role,
    /// Its parts.
    pub texts: Vec<String>,
    /// The backend's id of a message of the model.
    pub id: Option<String>,
    /// The message's phase.
    pub phase: Option<String>,
}

/// Role of a message's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The program that runs the conversation.
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// The recipient of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recipient<'a> {
    /// The account of the request, if it carries the credential in force.
    pub(crate) account: Option<&'a AccountIdentity>,
    /// Whether it is the ChatGPT backend.
    pub(crate) is_chatgpt: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    instructions: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningSettings<'a>>,
    store: bool,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<[&'static str; 1]>,
    prompt_cache_key: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Message(Message<'a>),
    Reasoning(&'a Reasoning),
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    role: Role,
    content: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'a str>,
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct ReasoningSettings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

impl TurnRequest {
    /// Serialises the body for this recipient. Reasoning that it cannot read is omitted.
    pub(crate) fn to_json(&self, recipient: Recipient<'_>) -> Vec<u8> {
        let developer = self.developer_instructions.as_deref();
        let developer = developer.map(|text| {
            Item::Message(Message {
                kind: "message",
                id: None,
                role: Role::Developer,
                content: vec![part(Role::Developer, text)],
                phase: None,
            })
        });
        let conversation = self.conversation.iter().filter_map(|item| match item {
            ChatItem::Message(message) => Some(Item::Message(message.into())),
            ChatItem::Reasoning(reasoning) => reasoning
                .is_of(recipient.account, &self.model)
                .then_some(Item::Reasoning(&reasoning.item)),
        });
        let reasoning = self.reasoning();
        let include = self.asks_for_reasoning(recipient).then_some([INCLUDE]);
        let body = Body {
            model: &self.model,
            instructions: self
                .base_instructions
                .as_deref()
                .filter(|text| !text.is_empty())
                .unwrap_or(DEFAULT_INSTRUCTIONS),
            input: developer.into_iter().chain(conversation).collect(),
            reasoning,
            store: false,
            stream: true,
            include,
            prompt_cache_key: &self.thread_id,
        };
        // Measured first: a buffer that doubles while it is written would take a multiple of it.
        let mut length = Length(0);
        drop(serde_json::to_writer(&mut length, &body));
        let mut json = Vec::with_capacity(length.0);
        match serde_json::to_writer(&mut json, &body) {
            Ok(()) => json,
            Err(_) => Vec::new(),
        }
    }
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TurnRequest {
    fn reasoning(&self) -> Option<ReasoningSettings<'_>> {
        let effort = self.effort.as_deref();
        let summary = self.summary.as_deref().filter(|it| *it != "none");
        (effort.is_some() || summary.is_some()).then_some(ReasoningSettings { effort, summary })
    }

    /// Returns whether to request encrypted reasoning: only of a model that is known to reason. For
    /// others the API refuses the request.
    fn asks_for_reasoning(&self, recipient: Recipient<'_>) -> bool {
        let is_built_in = || BUILT_IN.iter().any(|(slug, _)| *slug == self.model);
        recipient.is_chatgpt || self.reasoning().is_some() || is_built_in()
    }
}

impl<'a> From<&'a ChatMessage> for Message<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        // An id of another form was generated by this program.
        let id = message.id.as_deref().filter(|id| id.starts_with("msg_"));
        let texts = message.texts.iter();
        Self {
            kind: "message",
            id,
            role: message.role,
            content: texts.map(|text| part(message.role, text)).collect(),
            phase: message.phase.as_deref(),
        }
    }
}

const fn part(role: Role, text: &str) -> Part<'_> {
    let kind = match role {
        Role::Assistant => "output_text",
        Role::Developer | Role::User => "input_text",
    };
    Part { kind, text }
}
