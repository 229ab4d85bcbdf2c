//! A response body that sends server-sent events, each flushed on its own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::Value;
use tokio::time::Sleep;

use crate::answer::ending::Dropped;
use crate::answer::ending::Ending;

/// The body of an event stream.
pub(crate) struct EventStream {
    events: std::vec::IntoIter<Bytes>,
    pause: Duration,
    wait: Wait,
    ending: Ending,
}

/// What stands between the last event and the next.
enum Wait {
    Nothing,
    /// One round of the connection: it flushes what it has when the body has no more for now.
    Flush,
    Pause(Pin<Box<Sleep>>),
}

impl EventStream {
    pub(crate) fn new(events: &[Value], pause: Duration, ending: Ending) -> Self {
        let events: Vec<_> = events.iter().map(frame).collect();
        Self {
            events: events.into_iter(),
            pause,
            wait: Wait::Nothing,
            ending,
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match &mut self.wait {
            Wait::Nothing => {}
            Wait::Flush => {
                self.wait = Wait::Nothing;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Wait::Pause(sleep) => {
                ready!(sleep.as_mut().poll(cx));
                self.wait = Wait::Nothing;
            }
        }
        if let Some(event) = self.events.next() {
            self.wait = if self.pause.is_zero() || self.events.as_slice().is_empty() {
                Wait::Flush
            } else {
                Wait::Pause(Box::pin(tokio::time::sleep(self.pause)))
            };
            return Poll::Ready(Some(Ok(Frame::data(event))));
        }
        match self.ending {
            Ending::Finish => Poll::Ready(None),
            Ending::Hang => Poll::Pending,
            Ending::Drop => Poll::Ready(Some(Err(Dropped))),
        }
    }
}

/// One event as it goes over the wire. A string is sent as it stands, so that a script can send
/// what is not JSON.
fn frame(event: &Value) -> Bytes {
    let data = event
        .as_str()
        .map_or_else(|| event.to_string(), str::to_owned);
    let mut frame = String::with_capacity(data.len() + 64);
    if let Some(kind) = event.get("type").and_then(Value::as_str)
        && !kind.contains(['\r', '\n'])
    {
        frame.push_str("event: ");
        frame.push_str(kind);
        frame.push('\n');
    }
    for line in data.split('\n') {
        frame.push_str("data: ");
        frame.push_str(line);
        frame.push('\n');
    }
    frame.push('\n');
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_named_after_its_type() {
        let event = frame(&json!({"type": "response.created"}));
        assert_eq!(
            event,
            "event: response.created\ndata: {\"type\":\"response.created\"}\n\n"
        );
    }

    #[test]
    fn a_string_is_sent_as_it_stands() {
        assert_eq!(frame(&json!("[DONE]")), "data: [DONE]\n\n");
        assert_eq!(frame(&json!("{\n}")), "data: {\ndata: }\n\n");
    }
}
