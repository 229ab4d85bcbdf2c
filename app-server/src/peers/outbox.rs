//! Messages on their way to one peer, already in its framing.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;
use zeroize::Zeroize;

use crate::framing::Framing;
use crate::trace_protocol::PeerTrace;

/// While more bytes than this wait to be written, nothing more is read from the peer: the pipe
/// is the back-pressure, and no answer is ever dropped.
pub const HIGH_WATER: usize = 256 * 1024;

/// Capacity kept between messages.
const KEPT_CAPACITY: usize = 16 * 1024;

/// What waits to be written to one peer.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    taken: Notify,
    trace: Option<PeerTrace>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    framing: Framing,
    header: bool,
    closed: bool,
}

/// A message with the header member in front, where the peer wants it.
#[derive(Serialize)]
struct WithHeader<'a, M: Serialize> {
    jsonrpc: &'a str,
    #[serde(flatten)]
    message: &'a M,
}

impl Outbox {
    /// An outbox that shows a trace what goes through it.
    #[must_use]
    pub fn traced(trace: Option<PeerTrace>) -> Self {
        Self {
            trace,
            ..Self::default()
        }
    }

    /// Queues a message. Once the outbox is closed, it goes nowhere.
    pub fn push<M: Serialize>(&self, message: &M) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        let (framing, start) = (state.framing, state.bytes.len());
        let written = if state.header {
            let message = WithHeader {
                jsonrpc: "2.0",
                message,
            };
            serde_json::to_writer(&mut state.bytes, &message)
        } else {
            serde_json::to_writer(&mut state.bytes, message)
        };
        if written.is_err() {
            // Wire types always serialise; should one not, half a message must not go out.
            tracing::error!("a message could not be serialised");
            state.bytes.truncate(start);
            return;
        }
        if let Some(trace) = &self.trace {
            trace.sent(state.bytes.get(start..).unwrap_or_default());
        }
        framing.close_message(&mut state.bytes, start);
        drop(state);
        self.filled.notify_one();
    }

    /// Chooses the framing, once the peer has shown it.
    pub fn set_framing(&self, framing: Framing) {
        self.state().framing = framing;
    }

    /// Puts `"jsonrpc":"2.0"` into every message from now on: the peer has sent it.
    pub fn set_header(&self) {
        self.state().header = true;
    }

    /// Drops what waits and all that comes: the peer is gone.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.bytes.zeroize();
        drop(state);
        self.filled.notify_one();
        self.taken.notify_waiters();
    }

    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().bytes.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Swaps what waits for an empty buffer, so that both are used again and again.
    pub fn take(&self, empty: &mut Vec<u8>) {
        empty.zeroize();
        empty.shrink_to(KEPT_CAPACITY);
        mem::swap(&mut self.state().bytes, empty);
        self.taken.notify_waiters();
    }

    /// Waits until less than [`HIGH_WATER`] waits to be written.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            if self.len() < HIGH_WATER {
                return;
            }
            taken.await;
        }
    }

    /// Waits until a message is queued.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
