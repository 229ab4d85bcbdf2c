//! How bytes arrive and leave. What they mean is the business of [`crate::connection`].

mod input_buffer;
mod listener;
mod splitter;
mod stdio;
mod stream;
pub mod websocket;
mod wire;

pub use listener::{Door, ListenLimits, ListenUrl, ListenUrlError, Listener, SocketError};
pub use stdio::{ClaimedStdio, check_descriptors, claim_stdio};
pub use stream::{Ended, Limits, Shutdown, serve};
