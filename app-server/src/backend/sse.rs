//! A bounded parser of server-sent events.
//!
//! It is our own because the libraries drop a last event without a blank line, count comments and
//! partial lines as silence, and have no limits.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt as _};
use memchr::memchr2;

use super::limits::{Limit, MAX_ANSWER, MAX_EVENT, MAX_NAME};
use super::room::Part;

/// Most bytes of comments that are kept until they are taken.
#[cfg(feature = "gateway")]
const MAX_COMMENTS: usize = 1024;

/// The chunks of a response body.
pub(crate) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, byokey_http::BodyError>> + Send>>;

/// Reads events one by one.
pub(crate) struct EventReader {
    body: Body,
    /// The longest time without a byte.
    idle_timeout: Duration,
    parser: EventParser,
    received: usize,
}

/// Finds the events in the bytes of a stream.
pub(crate) struct EventParser {
    /// Longest event, and longest line.
    longest: usize,
    chunk: Bytes,
    line: Vec<u8>,
    /// Whether the last line ended with CR; an LF directly after it belongs to it.
    after_cr: bool,
    name: Option<String>,
    data: Option<Vec<u8>>,
    is_first_line: bool,
    /// The comments since they were last taken, where they are wanted. They keep a connection alive.
    #[cfg(feature = "gateway")]
    comments: Option<Vec<u8>>,
    /// The room of the line, of the data, and of the last event.
    room: Part,
    /// That of the last event. What came of it may not be delivered before the next one is read.
    last_event: usize,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawEvent {
    /// Its field `event`.
    pub(crate) name: Option<String>,
    /// Its fields `data`, one line each.
    pub(crate) data: Vec<u8>,
}

/// Why no further event can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadFailure {
    /// No byte arrived in time.
    Idle,
    /// The connection was interrupted.
    Broken,
    /// The stream exceeds a limit.
    Limit(Limit),
}

impl EventReader {
    pub(crate) fn new(body: Body, idle_timeout: Duration, room: Part) -> Self {
        Self {
            body,
            idle_timeout,
            parser: EventParser::up_to(MAX_EVENT, room),
            received: 0,
        }
    }

    /// Returns the next event; `None` at the end of the stream. An unterminated last event counts.
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<RawEvent>, ReadFailure> {
        loop {
            if let Some(event) = self.parser.next().map_err(ReadFailure::Limit)? {
                return Ok(Some(event));
            }
            match tokio::time::timeout(self.idle_timeout, self.body.next()).await {
                Err(_) => return Err(ReadFailure::Idle),
                Ok(Some(Err(_))) => return Err(ReadFailure::Broken),
                Ok(Some(Ok(chunk))) => {
                    self.received = self.received.saturating_add(chunk.len());
                    if self.received > MAX_ANSWER {
                        return Err(ReadFailure::Limit(Limit::Answer));
                    }
                    self.parser.feed(chunk);
                }
                Ok(None) => return self.parser.finish().map_err(ReadFailure::Limit),
            }
        }
    }
}

impl EventParser {
    /// Returns a parser of events up to this length.
    pub(crate) const fn up_to(longest: usize, room: Part) -> Self {
        Self {
            longest,
            chunk: Bytes::new(),
            line: Vec::new(),
            after_cr: false,
            name: None,
            data: None,
            is_first_line: true,
            #[cfg(feature = "gateway")]
            comments: None,
            room,
            last_event: 0,
        }
    }

    /// Returns a parser that keeps the comments, too.
    #[cfg(feature = "gateway")]
    pub(crate) fn with_comments(self) -> Self {
        let comments = Some(Vec::new());
        Self { comments, ..self }
    }

    /// Takes the comments since the last time, one line each.
    #[cfg(feature = "gateway")]
    pub(crate) fn take_comments(&mut self) -> Vec<u8> {
        self.comments
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Takes the next bytes, when all events of those before are read.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    /// Returns the next event of the bytes so far.
    pub(crate) fn next(&mut self) -> Result<Option<RawEvent>, Limit> {
        self.room.give_back(std::mem::take(&mut self.last_event));
        while !self.chunk.is_empty() {
            if let Some(event) = self.read_line()? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Returns an unterminated last event.
    pub(crate) fn finish(&mut self) -> Result<Option<RawEvent>, Limit> {
        let event = self.end_line()?;
        Ok(event.or_else(|| self.end_event()))
    }

    /// Reads a line, or a part of it, from the chunk.
    fn read_line(&mut self) -> Result<Option<RawEvent>, Limit> {
        if std::mem::take(&mut self.after_cr) && self.chunk.first() == Some(&b'\n') {
            self.chunk.advance(1);
            return Ok(None);
        }
        let end = memchr2(b'\n', b'\r', &self.chunk);
        let part = self.chunk.split_to(end.unwrap_or(self.chunk.len()));
        let length = self.line.len() + part.len() + self.data.as_ref().map_or(0, Vec::len);
        if length > self.longest {
            return Err(Limit::Event);
        }
        self.room.grow(&mut self.line, part.len(), self.longest)?;
        self.line.extend_from_slice(&part);
        if end.is_none() {
            return Ok(None);
        }
        self.after_cr = self.chunk.first() == Some(&b'\r');
        self.chunk.advance(1);
        self.end_line()
    }

    fn end_line(&mut self) -> Result<Option<RawEvent>, Limit> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_first_line) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            self.room.give_back(line.capacity());
            return Ok(self.end_event());
        }
        let (capacity, mut is_kept) = (line.capacity(), false);
        let (field, value) = match memchr::memchr(b':', &line) {
            None => (line.len(), line.len()),
            Some(colon) if line.get(colon + 1) == Some(&b' ') => (colon, colon + 2),
            Some(colon) => (colon, colon + 1),
        };
        match line.get(..field) {
            Some(b"data") => {
                line.drain(..value);
                match &mut self.data {
                    None => {
                        is_kept = true;
                        self.data = Some(line);
                    }
                    Some(data) => {
                        self.room.grow(data, 1 + line.len(), self.longest)?;
                        data.push(b'\n');
                        data.extend_from_slice(&line);
                    }
                }
            }
            Some(b"event") => {
                line.drain(..value);
                let name = String::from_utf8(line).ok();
                self.name = name.filter(|name| name.len() <= MAX_NAME);
            }
            #[cfg(feature = "gateway")]
            Some(b"") => {
                if let Some(comments) = &mut self.comments
                    && comments.len() + line.len() < MAX_COMMENTS
                {
                    comments.extend_from_slice(&line);
                    comments.push(b'\n');
                }
            }
            _ => {}
        }
        if !is_kept {
            self.room.give_back(capacity);
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<RawEvent> {
        let name = self.name.take();
        let data = self.data.take()?;
        self.last_event = data.capacity();
        Some(RawEvent { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::super::room::AnswerRoom;
    use super::*;

    fn room() -> Part {
        std::sync::Arc::<AnswerRoom>::default().part()
    }

    /// Returns the events of a body that arrives in chunks of this size.
    async fn events(body: &str, size: usize) -> Vec<(Option<String>, String)> {
        let chunks: Vec<_> = body
            .as_bytes()
            .chunks(size)
            .map(Bytes::copy_from_slice)
            .collect();
        let body = futures_util::stream::iter(chunks.into_iter().map(Ok));
        let mut reader = EventReader::new(Box::pin(body), Duration::from_secs(1), room());
        let mut events = Vec::new();
        while let Some(event) = reader.next().await.unwrap() {
            events.push((event.name, String::from_utf8(event.data).unwrap()));
        }
        events
    }

    #[tokio::test]
    async fn lines_end_in_three_ways_and_the_last_event_without_one() {
        let expected = [
            (Some("one".to_owned()), "1".to_owned()),
            (None, "2\n\n 3".to_owned()),
            (None, "4".to_owned()),
        ];
        for end in ["\n", "\r\n", "\r"] {
            let body = "\u{feff}event: one\ndata: 1\n\n: comment\n\nid: 7\ndata:2\ndata\ndata:  3\n\n\n\nretry: 1\ndata: 4";
            let body = body.replace('\n', end);
            for size in [1, 2, 3, 7, 1000] {
                assert_eq!(events(&body, size).await, expected, "{end:?} {size}");
            }
        }
        assert_eq!(
            events("event: alone\n\ndata: x\n", 100).await,
            [(None, "x".to_owned())]
        );
    }

    #[tokio::test]
    async fn a_line_and_an_event_have_a_limit() {
        for chunk in ["data: x", "data: x\n"] {
            let chunk = Bytes::from(chunk.repeat(1 << 16));
            let body = futures_util::stream::iter((0..1000).map(move |_| Ok(chunk.clone())));
            let mut reader = EventReader::new(Box::pin(body), Duration::from_secs(1), room());
            assert_eq!(reader.next().await, Err(ReadFailure::Limit(Limit::Event)));
        }
    }
}
