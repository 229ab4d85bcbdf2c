//! Outgoing messages of one peer, already framed.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

use crate::budget::{BufferBudget, Share};
use crate::framing::Framing;
use crate::observer::Observer;
use crate::pieces::append_piece;
use byokey_base::memory::{wipe, wipe_all};

/// Back-pressure: while more bytes than this are queued for the peer, reading from it stops. No
/// answer is dropped.
pub const HIGH_WATER: usize = 256 * 1024;

/// How long others wait for the capacity of a peer with a limit before it is disconnected.
const STALL_TIME: Duration = Duration::from_secs(5);

/// Capacity retained between messages, in bytes.
pub(crate) const KEPT_CAPACITY: usize = 16 * 1024;

/// Bytes that a framing adds to a message, at most.
const FRAME_HEADER: usize = 64;

/// The outgoing messages of one peer.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
    observer: Option<Arc<dyn Observer>>,
    overflowed: Arc<Notify>,
    hung_up: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    framing: Framing,
    header: bool,
    closed: bool,
    limit: Option<usize>,
    /// Bytes that were taken last, and may still be unwritten.
    taken: usize,
    /// What the peer has not read takes this of the budget.
    share: Share,
}

/// A message with the `jsonrpc` member in front, where the peer uses it.
#[derive(Serialize)]
struct WithHeader<'a, M: Serialize> {
    jsonrpc: &'a str,
    #[serde(flatten)]
    message: &'a M,
}

impl Outbox {
    /// Returns an outbox that reports its messages to an observer.
    #[must_use]
    pub fn observed(observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            observer,
            ..Self::default()
        }
    }

    /// Queues a message. A closed outbox drops it.
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
            state.append(&message)
        } else {
            state.append(message)
        };
        match written {
            Ok(true) => {}
            Ok(false) => {
                drop(state);
                return self.give_up();
            }
            Err(_) => {
                // Wire types always serialise; if one did not, half a message must not be sent.
                tracing::error!("a message could not be serialised");
                wipe(state.bytes.get_mut(start..).unwrap_or_default());
                return state.bytes.truncate(start);
            }
        }
        if let Some(observer) = &self.observer {
            observer.sent(state.bytes.get(start..).unwrap_or_default());
        }
        framing.close_message(&mut state.bytes, start);
        let overflows =
            state.limit.is_some_and(|limit| state.bytes.len() > limit) || !state.has_room_for(0);
        drop(state);
        self.filled.notify_one();
        if overflows {
            self.give_up();
        }
    }

    /// Sets the framing once it is detected.
    pub fn set_framing(&self, framing: Framing) {
        self.state().framing = framing;
    }

    /// Adds `"jsonrpc":"2.0"` to every later message: the peer has sent it.
    pub fn set_header(&self) {
        self.state().header = true;
    }

    /// Sets a limit: the peer is disconnected when more bytes than this are queued, or when others
    /// have waited too long for its capacity.
    pub fn set_limit(&self, bytes: usize) {
        self.state().limit = Some(bytes);
    }

    /// Has what the peer has not read come out of a budget: the peer is disconnected when it holds
    /// too much of it.
    pub(crate) fn set_budget(&self, budget: Option<&Arc<BufferBudget>>) {
        self.state().share = Share::evictable(budget.cloned(), Arc::clone(&self.overflowed));
    }

    /// Disconnects the peer because it does not read.
    pub(crate) fn give_up(&self) {
        self.close();
        self.overflowed.notify_one();
    }

    /// Waits until the peer is to be disconnected because it does not read.
    pub async fn overflowed(&self) {
        self.overflowed.notified().await;
    }

    /// Ends the connection as a shutdown does: requests in flight are answered with an error,
    /// and queued messages are still sent.
    pub fn hang_up(&self) {
        self.hung_up.notify_one();
    }

    /// Waits until the connection is to end.
    pub async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    /// Drops queued and later messages: the peer is gone.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let mut dropped = mem::take(&mut state.bytes);
        state.taken = 0;
        state.share.resize(0);
        drop(state);
        wipe_all(&mut dropped);
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    /// Returns the number of queued bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().bytes.len()
    }

    /// Returns whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Swaps the queue with an empty buffer, so that both allocations are reused.
    pub fn take(&self, empty: &mut Vec<u8>) {
        wipe_all(empty);
        empty.shrink_to(KEPT_CAPACITY);
        let mut state = self.state();
        mem::swap(&mut state.bytes, empty);
        state.taken = empty.len();
        // It is no more than before.
        state.has_room_for(0);
        drop(state);
        self.emptied.notify_waiters();
    }

    /// Returns whether less than [`HIGH_WATER`] is queued.
    #[must_use]
    pub fn has_capacity(&self) -> bool {
        self.len() < HIGH_WATER
    }

    /// Waits until less than [`HIGH_WATER`] is queued, or the peer is disconnected.
    pub async fn wait_for_capacity(&self) {
        if self.state().limit.is_none() {
            return self.capacity().await;
        }
        if tokio::time::timeout(STALL_TIME, self.capacity())
            .await
            .is_err()
        {
            self.give_up();
        }
    }

    async fn capacity(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.has_capacity() {
                return;
            }
            emptied.await;
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

impl State {
    /// Returns whether what the peer has not read may grow by so many bytes.
    fn has_room_for(&mut self, more: usize) -> bool {
        self.share.resize(self.taken + self.bytes.len() + more)
    }

    /// Appends a message, unless the budget has no room for it. A long one is measured first: a
    /// buffer that doubles while it is written would take a multiple of the message.
    fn append<M: Serialize>(&mut self, message: &M) -> serde_json::Result<bool> {
        let start = self.bytes.len();
        self.bytes.reserve(KEPT_CAPACITY);
        match serde_json::to_writer(Within(&mut self.bytes), message) {
            Err(error) if error.is_io() => {}
            written => return written.map(|()| true),
        }
        wipe(self.bytes.get_mut(start..).unwrap_or_default());
        self.bytes.truncate(start);
        let mut length = Length(0);
        serde_json::to_writer(&mut length, message)?;
        let length = length.0 + FRAME_HEADER;
        if !self.has_room_for(length) {
            return Ok(false);
        }
        self.bytes.reserve_exact(length);
        serde_json::to_writer(&mut self.bytes, message)?;
        Ok(true)
    }
}

/// Writes into the capacity of a buffer and no further.
struct Within<'a>(&'a mut Vec<u8>);

impl io::Write for Within<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        append_piece(self.0, bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::{HIGH_WATER, Outbox, STALL_TIME};
    use crate::budget::BufferBudget;

    #[test]
    fn a_long_message_takes_no_more_than_its_length() {
        let outbox = Outbox::default();
        outbox.push(&1);
        outbox.push(&"x".repeat(3 * HIGH_WATER));
        let mut bytes = Vec::new();
        outbox.take(&mut bytes);
        assert_eq!(bytes.len(), 2 + 3 * HIGH_WATER + 3);
        assert!(
            bytes.capacity() < bytes.len() + 1024,
            "{}",
            bytes.capacity()
        );
        assert!(bytes.starts_with(b"1\n\"xx") && bytes.ends_with(b"xx\"\n"));
    }

    #[test]
    fn a_peer_without_a_limit_is_never_given_up() {
        let outbox = Outbox::default();
        outbox.push(&"x".repeat(HIGH_WATER));
        assert_eq!(outbox.len(), HIGH_WATER + 3);
        outbox.set_limit(HIGH_WATER + 5);
        outbox.push(&1);
        assert_eq!(outbox.len(), HIGH_WATER + 5);
        outbox.push(&2);
        assert!(outbox.is_empty(), "what waited is gone");
        outbox.push(&3);
        assert!(outbox.is_empty(), "nothing waits for it any more");
    }

    #[tokio::test]
    async fn what_is_taken_counts_as_unread_until_more_is_taken() {
        let outbox = Outbox::default();
        outbox.set_budget(Some(&BufferBudget::sized(HIGH_WATER, 100)));
        let (half, mut bytes) = ("x".repeat(HIGH_WATER / 2 + 1000), Vec::new());
        for _ in 0..3 {
            outbox.push(&half);
            outbox.take(&mut bytes);
            assert!(bytes.len() > half.len(), "there was room");
            outbox.take(&mut bytes);
            assert!(bytes.is_empty(), "it is written");
        }
        outbox.push(&half);
        outbox.take(&mut bytes);
        outbox.push(&half);
        assert!(outbox.is_empty(), "there is no room for both");
        outbox.overflowed().await;
    }

    #[tokio::test]
    async fn the_peer_that_has_read_the_least_is_given_up_for_another() {
        let budget = BufferBudget::sized(HIGH_WATER, 100);
        let [one, other] = [(); 2].map(|()| {
            let outbox = Outbox::default();
            outbox.set_budget(Some(&budget));
            outbox
        });
        for _ in 0..HIGH_WATER / 11 {
            one.push(&"x".repeat(8));
        }
        other.push(&"x".repeat(1000));
        assert!(!other.is_empty());
        one.overflowed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn others_wait_for_a_peer_that_may_be_given_up_only_so_long() {
        let outbox = Outbox::default();
        outbox.push(&"x".repeat(HIGH_WATER));
        let patient = tokio::time::timeout(STALL_TIME * 100, outbox.wait_for_capacity()).await;
        assert!(patient.is_err(), "without a limit, as long as it takes");
        outbox.set_limit(usize::MAX);
        let begun = tokio::time::Instant::now();
        outbox.wait_for_capacity().await;
        assert_eq!(begun.elapsed(), STALL_TIME);
        outbox.overflowed().await;
        outbox.wait_for_capacity().await;
        assert_eq!(begun.elapsed(), STALL_TIME, "it is gone");
    }
}
