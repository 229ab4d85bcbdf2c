//! How bytes arrive and leave. What they mean is the business of [`crate::connection`].

mod splitter;
mod stdio;
mod stream;
mod wire;

pub use stdio::{ClaimedStdio, check_descriptors, claim_stdio};
pub use stream::{Ended, Limits, Shutdown, serve};
