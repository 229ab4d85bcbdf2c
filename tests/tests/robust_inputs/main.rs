//! Whatever the input, every request is answered: bad inputs, one test each.
//!
//! Each input contains canaries wherever a string is possible. None comes back, neither in a
//! response nor in the log, and a valid request after each input is answered.

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
