//! Limits of one connection.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::BufferBudget;
use crate::outbox::HIGH_WATER;

/// Longest message unless another limit is set.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Timeout for closing the connection to the process that started this one.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(20);
/// Most requests in flight of the process that started this one. Back-pressure is no alternative:
/// the response that they wait for may arrive on the same stream.
const MAX_IN_FLIGHT: usize = 12_288;

/// Bounds of one connection.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest message, in bytes.
    pub max_message: usize,
    /// Most bytes queued for a peer that does not read; beyond them it is disconnected. `None`
    /// waits for the peer without a limit.
    pub max_unread: Option<usize>,
    /// Back-pressure: while more bytes than this are queued, reading from the peer stops. Only one
    /// of two peers may do so, or both could wait for each other.
    pub high_water: usize,
    /// How long a peer may take to read queued messages when the connection ends.
    pub close_timeout: Duration,
    /// Most requests of the peer in flight. Each takes some 6 KiB.
    pub max_in_flight: usize,
    /// The budget that it shares with other connections. `None` buffers whatever the limits above
    /// allow.
    pub budget: Option<Arc<BufferBudget>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: MAX_MESSAGE,
            max_unread: None,
            high_water: HIGH_WATER,
            close_timeout: CLOSE_TIMEOUT,
            max_in_flight: MAX_IN_FLIGHT,
            budget: None,
        }
    }
}
