//! Whatever arrives, every request is answered: bad inputs, one test each.
//!
//! Each input carries canaries wherever it can hold a string. None comes back, neither in an
//! answer nor in the log, and behind each input a valid request is answered.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod accepted;
mod answers;
mod cancellation;
mod frames;
mod not_json;
mod not_messages;
mod probe;
mod requests;
