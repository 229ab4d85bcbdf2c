//! How bytes arrive and leave. What they mean is the business of [`crate::connection`].

mod descriptor;
mod splitter;
mod stdio;
mod stream;
mod threaded;

pub use stdio::{ClaimedStdio, check_descriptors, claim_stdio};
pub use stream::{Ended, Limits, Shutdown, serve};
