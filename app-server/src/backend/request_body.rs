//! The body of a model request: the Responses API, text only.

use serde::Serialize;

/// Default instructions.
const DEFAULT_INSTRUCTIONS: &str =
    "You are a helpful assistant. Answer in plain text. You have no tools.";

/// The parameters of a model request.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    /// The thread's id, the backend's key for grouping.
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
    pub conversation: Vec<ChatMessage>,
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub struct ChatMessage {
    /// Its author.
    pub role: Role,
    /// Its parts.
    pub texts: Vec<String>,
}

/// The author of a message.
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

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    instructions: &'a str,
    input: Vec<Item<'a>>,
    tools: [(); 0],
    tool_choice: &'static str,
    parallel_tool_calls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    store: bool,
    stream: bool,
    include: [&'static str; 0],
    prompt_cache_key: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    role: Role,
    content: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

impl TurnRequest {
    /// Serialises the body.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let developer = self.developer_instructions.as_deref().map(|text| Item {
            kind: "message",
            role: Role::Developer,
            content: vec![Part {
                kind: "input_text",
                text,
            }],
        });
        let conversation = self.conversation.iter().map(|message| Item {
            kind: "message",
            role: message.role,
            content: message
                .texts
                .iter()
                .map(|text| part(message.role, text))
                .collect(),
        });
        let summary = self.summary.as_deref().filter(|summary| *summary != "none");
        let effort = self.effort.as_deref();
        let body = Body {
            model: &self.model,
            instructions: self
                .base_instructions
                .as_deref()
                .unwrap_or(DEFAULT_INSTRUCTIONS),
            input: developer.into_iter().chain(conversation).collect(),
            tools: [],
            tool_choice: "auto",
            parallel_tool_calls: false,
            reasoning: (effort.is_some() || summary.is_some())
                .then_some(Reasoning { effort, summary }),
            store: false,
            stream: true,
            include: [],
            prompt_cache_key: &self.thread_id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

const fn part(role: Role, text: &str) -> Part<'_> {
    let kind = match role {
        Role::Assistant => "output_text",
        Role::Developer | Role::User => "input_text",
    };
    Part { kind, text }
}
