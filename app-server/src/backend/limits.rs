//! Limits of a backend's responses. `docs/limits.md` lists them; `tests/tests/limits.rs` compares.

use std::time::Duration;

use byokey_protocol::error::ErrorKind;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Longest JSON document: models, rate limits, usage.
pub(crate) const MAX_JSON_BODY: usize = 4 * MIB;
/// Most bytes read of an error body.
pub(crate) const MAX_ERROR_BODY: usize = 64 * KIB;
/// Longest event of a stream, and longest line.
pub(crate) const MAX_EVENT: usize = 4 * MIB;
/// Most bytes of all answers in progress: documents, lines and events that are not complete, and the
/// texts and the reasoning of turns. An answer that needs more than is left fails. The longest one has
/// room if it is alone: while its buffer grows it takes up to one and a half times its length.
pub(crate) const MAX_ANSWERS: usize = 6 * MIB;
/// Most bytes of all streamed answers that the gateway reads, for SDKs and for a recording. An image
/// that a model made is in its answer three times while that ends.
#[cfg(feature = "gateway")]
pub(crate) const MAX_ANSWERS_OF_CLIENTS: usize = 64 * MIB;
/// What each part of an answer may take without a share of that room.
pub(crate) const MAX_FREE_PART: usize = 4 * KIB;
/// Most bytes of a streamed response.
pub(crate) const MAX_ANSWER: usize = 256 * MIB;
/// Most text of one response, all its messages together, as long as it is in JSON. The longest that
/// models write is about two thirds of it.
pub(crate) const MAX_TURN_TEXT: usize = MIB;
/// Most messages of one response.
pub(crate) const MAX_OUTPUT_ITEMS: usize = 1024;
/// Maximum size of the encrypted reasoning of one response, all its items together; the rest is
/// dropped.
pub(crate) const MAX_TURN_REASONING: usize = 2 * MIB;
/// Maximum size of the encrypted reasoning of one thread; the oldest items are dropped.
pub(crate) const MAX_THREAD_REASONING: usize = 2 * MIB;
/// Maximum number of parts of a summary of reasoning.
pub(crate) const MAX_SUMMARY_PARTS: usize = 64;
/// Maximum number of cookies of one account; the oldest is dropped.
pub(crate) const MAX_COOKIES: usize = 16;
/// Maximum length of a cookie with its attributes; a longer one is left out.
pub(crate) const MAX_COOKIE: usize = 4 * KIB;
/// Maximum number of reset credits of a list; the rest is skipped.
pub(crate) const MAX_RESET_CREDITS: usize = 64;
/// Most rate limits, by their ids.
pub(crate) const MAX_LIMIT_IDS: usize = 32;
/// Most models of a list; the rest is skipped.
pub(crate) const MAX_MODELS: usize = 512;
/// Most reasoning efforts of a model.
pub(crate) const MAX_EFFORTS: usize = 16;
/// Most workspaces of a list; the rest is skipped.
pub(crate) const MAX_WORKSPACES: usize = 512;
/// Most days of a usage profile.
pub(crate) const MAX_DAYS: usize = 4096;
/// Longest name or id. A longer one counts as absent.
pub(crate) const MAX_NAME: usize = 256;
/// Longest description or error message. A longer one counts as absent.
pub(crate) const MAX_DESCRIPTION: usize = KIB;

/// Deadline of a short call from its arrival, the host's time for a refresh not counted.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// Deadline of the list of reset credits, which an answer does without after it.
pub(crate) const RESET_CREDITS_DEADLINE: Duration = Duration::from_secs(3);
/// How long a model call waits for the lookup of its workspace's routing.
pub(crate) const MAX_ROUTING_WAIT: Duration = Duration::from_secs(3);
/// How long after a failed lookup a model call begins another one.
pub(crate) const ROUTING_RETRY: Duration = Duration::from_secs(60);
/// Deadline of an error body.
pub(crate) const ERROR_BODY_DEADLINE: Duration = Duration::from_secs(2);
/// How long a stream may continue after its `error` event.
pub(crate) const ERROR_EVENT_GRACE: Duration = Duration::from_secs(2);
/// Longest wait requested by a backend that a turn waits for; a longer one ends it.
pub(crate) const MAX_TURN_WAIT: Duration = Duration::from_secs(60);
/// Longest wait requested by a backend that one request waits for; a longer one is left to the
/// caller.
pub(crate) const MAX_REQUEST_WAIT: Duration = Duration::from_secs(30);
/// Most short calls in progress until their bodies are read; others queue.
pub(crate) const MAX_CALLS: usize = 64;

/// A limit that is an error when exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// `MAX_JSON_BODY`.
    #[error("the backend's answer is longer than {} MiB", MAX_JSON_BODY / MIB)]
    JsonBody,
    /// `MAX_ANSWERS`.
    #[error(
        "the answers in progress take all the room for them, {} MiB; try again when some of them \
         have ended",
        MAX_ANSWERS / MIB
    )]
    Room,
    /// `MAX_EVENT`.
    #[error("an event of the stream is longer than {} MiB", MAX_EVENT / MIB)]
    Event,
    /// `MAX_ANSWER`.
    #[error("the streamed answer is longer than {} MiB", MAX_ANSWER / MIB)]
    Answer,
    /// `MAX_TURN_TEXT`.
    #[error("the text of the answer is longer than {} MiB", MAX_TURN_TEXT / MIB)]
    TurnText,
    /// `MAX_OUTPUT_ITEMS`.
    #[error("the answer has more than {MAX_OUTPUT_ITEMS} messages")]
    OutputItems,
}

impl Limit {
    /// Returns the kind of the error for hosts.
    pub(crate) const fn kind(self) -> ErrorKind {
        match self {
            Self::Room => ErrorKind::Overloaded,
            _ => ErrorKind::AnswerTooLarge,
        }
    }
}
