//! The answer to a model request: passed on as it comes, event by event, or whole.

use byokey_protocol::error::ErrorKind;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::value::RawValue;

use super::body::{AnswerBody, Chunks};
use super::error::{self, Refusal};
use super::forward;
use super::members::Members;
use super::output::{EndKind, MAX_EVENT, Output};
use super::record::Turn;
use crate::backend::{
    AnswerStream, BackendError, BrokenOff, EventParser, ForwardedAnswer, ForwardedBody, Part,
    RawEvent, Reason,
};

/// Longest whole answer that is recorded.
const MAX_WHOLE: usize = 16 * 1024 * 1024;

/// How an answer is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// Byte by byte.
    AsItIs,
    /// Event by event, with the output in the last one.
    Events,
    /// As one document, for a client that waits for that.
    Whole,
}

/// Returns the answer for the client.
pub(super) async fn answer(
    answer: ForwardedAnswer,
    passing: Passing,
    turn: Option<Turn>,
) -> Response<AnswerBody> {
    let mut headers = forward::back(&answer.headers);
    let stream = match answer.body {
        ForwardedBody::Stream(stream) => stream,
        ForwardedBody::Whole(bytes) => {
            return response(answer.status, headers, AnswerBody::whole(bytes));
        }
    };
    // What is compressed although it was not asked for cannot be read here.
    let is_readable = !headers.contains_key(CONTENT_ENCODING);
    let passing = if is_readable {
        passing
    } else {
        Passing::AsItIs
    };
    let body = match passing {
        Passing::AsItIs => match turn {
            None => AnswerBody::stream(chunks(stream)),
            Some(turn) => AnswerBody::stream(Watched::new(stream, turn, &headers).chunks()),
        },
        Passing::Events => {
            headers.remove(CONTENT_LENGTH);
            AnswerBody::stream(Events::new(stream, turn).chunks())
        }
        Passing::Whole => {
            headers.remove(CONTENT_LENGTH);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            return match Box::pin(whole(stream, turn)).await {
                Ok((status, document)) => response(status, headers, AnswerBody::whole(document)),
                Err(refusal) => refusal,
            };
        }
    };
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    }
    response(answer.status, headers, body)
}

fn response(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn chunks(answer: AnswerStream) -> Chunks {
    Box::pin(stream::unfold(Some(answer), |answer| async {
        let mut answer = answer?;
        match answer.next().await {
            Ok(None) => None,
            Ok(Some(chunk)) => Some((Ok(chunk), Some(answer))),
            Err(broken) => Some((Err(broken), None)),
        }
    }))
}

/// An answer that passes as it is, and is recorded.
struct Watched {
    stream: AnswerStream,
    turn: Turn,
    seen: Seen,
    /// The bytes that are still to come, where the answer has a length. The end of such an answer is
    /// never asked for.
    left: Option<usize>,
}

/// What is read of an answer that passes as it is.
enum Seen {
    Events(EventParser),
    Document(Vec<u8>, Part),
    /// It is too long, or cannot be read.
    Nothing,
}

impl Watched {
    fn new(stream: AnswerStream, mut turn: Turn, headers: &HeaderMap) -> Self {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let seen = match kind {
            _ if headers.contains_key(CONTENT_ENCODING) => Seen::Nothing,
            Some(kind) if kind.starts_with("application/json") => {
                Seen::Document(Vec::new(), stream.part())
            }
            _ => {
                turn.output = Output::in_room(stream.part());
                Seen::Events(EventParser::up_to(MAX_EVENT, stream.part()))
            }
        };
        let length = headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            stream,
            turn,
            seen,
            left: length,
        }
    }

    fn chunks(self) -> Chunks {
        Box::pin(stream::unfold(Some(self), |watched| async {
            let mut watched = watched?;
            match watched.stream.next().await {
                Ok(None) => {
                    watched.end();
                    None
                }
                Ok(Some(chunk)) => {
                    watched.see(&chunk);
                    watched.left = watched.left.map(|left| left.saturating_sub(chunk.len()));
                    if watched.left == Some(0) {
                        watched.end();
                        return Some((Ok(chunk), None));
                    }
                    Some((Ok(chunk), Some(watched)))
                }
                Err(broken) => Some((Err(broken), None)),
            }
        }))
    }

    fn see(&mut self, chunk: &Bytes) {
        match &mut self.seen {
            Seen::Events(parser) => {
                parser.feed(chunk.clone());
                loop {
                    match parser.next() {
                        Ok(Some(event)) => drop(self.turn.output.see(&event.data)),
                        Ok(None) => return,
                        Err(_) => break,
                    }
                }
            }
            Seen::Document(document, room) => {
                let fits = document.len() + chunk.len() <= MAX_WHOLE;
                if fits && room.grow(document, chunk.len(), MAX_WHOLE).is_ok() {
                    document.extend_from_slice(chunk);
                    return;
                }
            }
            Seen::Nothing => return,
        }
        self.seen = Seen::Nothing;
    }

    fn end(&mut self) {
        match &mut self.seen {
            Seen::Events(parser) => {
                if let Ok(Some(event)) = parser.finish() {
                    drop(self.turn.output.see(&event.data));
                }
            }
            Seen::Document(document, room) => {
                // The copy in its line, and the line.
                if room.take(2 * document.len()).is_ok() {
                    self.turn.whole(document);
                } else {
                    self.turn.unread();
                }
            }
            Seen::Nothing => self.turn.unread(),
        }
    }
}

/// An answer that is read event by event.
struct Events {
    stream: AnswerStream,
    parser: EventParser,
    output: Output,
    turn: Option<Turn>,
    /// The room of the events that are passed on; `None` where none are.
    passed: Option<Part>,
    is_over: bool,
}

impl Events {
    fn new(stream: AnswerStream, turn: Option<Turn>) -> Self {
        Self {
            parser: EventParser::up_to(MAX_EVENT, stream.part()).with_comments(),
            output: Output::in_room(stream.part()),
            turn,
            passed: Some(stream.part()),
            is_over: false,
            stream,
        }
    }

    /// Returns the next events, as bytes: all that have arrived. Where none are passed on, reads to
    /// the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, BrokenOff> {
        let mut bytes = Vec::new();
        // Those of the last time are with the client.
        self.passed = self.passed.take().map(|_| self.stream.part());
        while bytes.is_empty() && !self.is_over {
            match self.stream.next().await? {
                Some(chunk) => {
                    self.parser.feed(chunk);
                    while let Some(event) = self.parser.next()? {
                        self.see(event, &mut bytes)?;
                    }
                    self.pass_comments(&mut bytes);
                    self.is_over = self.passed.is_none() && self.output.end.is_some();
                }
                None => {
                    self.is_over = true;
                    if let Some(event) = self.parser.finish()? {
                        self.see(event, &mut bytes)?;
                    }
                }
            }
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    fn see(&mut self, event: RawEvent, bytes: &mut Vec<u8>) -> Result<(), BrokenOff> {
        if is_for_codex(&event) {
            return Ok(());
        }
        let data = self.output.see(&event.data).unwrap_or(event.data);
        let Some(room) = &mut self.passed else {
            return Ok(());
        };
        let name = event.name.as_deref();
        let lines = || data.split(|byte| *byte == b'\n');
        let length = lines()
            .map(|line| "data: \n".len() + line.len())
            .sum::<usize>();
        let length = length + name.map_or(0, |name| "event: \n".len() + name.len()) + 1;
        room.grow(bytes, length, usize::MAX)?;
        if let Some(name) = name {
            bytes.extend_from_slice(b"event: ");
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b'\n');
        }
        for line in lines() {
            bytes.extend_from_slice(b"data: ");
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
        Ok(())
    }

    /// Passes comments on: a client may count on them while the model says nothing.
    fn pass_comments(&mut self, bytes: &mut Vec<u8>) {
        let comments = self.parser.take_comments();
        if self.passed.is_some() && !comments.is_empty() {
            bytes.extend_from_slice(&comments);
            bytes.push(b'\n');
        }
    }

    fn chunks(self) -> Chunks {
        Box::pin(stream::unfold(Some(self), |events| async {
            let mut events = events?;
            match events.next().await {
                Ok(None) => None,
                Ok(Some(bytes)) => Some((Ok(bytes.into()), Some(events))),
                Err(broken) => Some((Err(broken), None)),
            }
        }))
    }
}

/// Returns whether an event is not one of the API. SDKs stop at the first event that is not
/// `response.created`, and the backend sends rate limits before it.
fn is_for_codex(event: &RawEvent) -> bool {
    let begins = |kind: &str| kind.starts_with("codex.");
    match &event.name {
        Some(name) => begins(name),
        None => {
            let text = std::str::from_utf8(&event.data).unwrap_or_default();
            let kind = Members::of(text).and_then(|members| members.text("type"));
            kind.is_some_and(|kind| begins(&kind))
        }
    }
}

impl Drop for Events {
    /// Its turn is written with what was seen.
    fn drop(&mut self) {
        if let Some(mut turn) = self.turn.take() {
            turn.output = std::mem::take(&mut self.output);
        }
    }
}

/// A whole answer until its client has it, and its part of the room.
struct Document {
    text: Vec<u8>,
    _room: Part,
}

impl Document {
    fn held(text: &[u8], _room: Part) -> Bytes {
        let text = text.to_vec();
        Bytes::from_owner(Self { text, _room })
    }
}

impl AsRef<[u8]> for Document {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// Reads an answer to its end, and returns its status and document.
async fn whole(
    stream: AnswerStream,
    turn: Option<Turn>,
) -> Result<(StatusCode, Bytes), Response<AnswerBody>> {
    let mut room = stream.part();
    let mut events = Events::new(stream, turn);
    events.passed = None;
    match events.next().await {
        Ok(_) => {}
        Err(BrokenOff::SignedOut) => return Err(error::answer(BackendError::SignedOut)),
        Err(BrokenOff::Interrupted) => return Err(error::answer(BackendError::Interrupted)),
        Err(BrokenOff::TooLong) => return Err(too_long()),
        Err(BrokenOff::NoRoom) => return Err(no_room()),
    }
    let output = &events.output;
    if output.had_no_room {
        return Err(no_room());
    }
    if output.is_cut {
        return Err(too_long());
    }
    match (&output.end, &output.error) {
        (Some(end), _) if end.kind == EndKind::Failed => {
            let members = Members::of(end.response.get());
            let reported = members.and_then(|members| members.get("error"));
            Ok(failed(reported.or(output.error.as_deref())))
        }
        (Some(end), _) => {
            let text = end.response.get().as_bytes();
            match room.take(text.len()) {
                Ok(()) => Ok((StatusCode::OK, Document::held(text, room))),
                Err(_) => Err(no_room()),
            }
        }
        (None, Some(error)) => Ok(failed(Some(error))),
        (None, None) => Err(error::answer(BackendError::Interrupted)),
    }
}

fn too_long() -> Response<AnswerBody> {
    let text = format!(
        "the answer has more than {} MiB; ask for a stream.",
        MAX_WHOLE / (1024 * 1024)
    );
    Refusal::new(StatusCode::BAD_GATEWAY, "answer_too_large", text).into_response()
}

fn no_room() -> Response<AnswerBody> {
    let text = "the answers in progress take all the room for them. Try again when some of them have \
                ended, or ask for a stream.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Refusal::new(status, "answers_too_large", text).into_response()
}

/// Returns the error of the backend in the form that the API has for it.
fn failed(reported: Option<&RawValue>) -> (StatusCode, Bytes) {
    let text = reported.map_or("null", RawValue::get);
    let code = Members::of(text).and_then(|members| members.text("code"));
    let kind = code.as_deref().and_then(Reason::of_code).map(Reason::kind);
    let status = match (code.as_deref(), kind) {
        (Some("rate_limit_exceeded"), _) | (_, Some(ErrorKind::UsageLimitExceeded)) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        (_, Some(ErrorKind::Retryable)) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Some(_)) => StatusCode::BAD_REQUEST,
        (_, None) => StatusCode::BAD_GATEWAY,
    };
    (status, [r#"{"error":"#, text, "}"].concat().into())
}
