//! Properties of any input: one function per kind, which panics if one does not hold.
//!
//! `tests/smoke.rs` generates the inputs itself, `fuzz_targets/` with libFuzzer.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a property that does not hold is a failure"
)]

mod callback_request;
mod conversation;
mod envelope;
mod framing;
mod head;
mod jwt_claims;
mod params;
mod refresh_answer;
mod upgrade_head;

pub use callback_request::callback_request;
pub use envelope::envelope;
pub use framing::framing;
pub use jwt_claims::jwt_claims;
pub use params::params;
pub use refresh_answer::refresh_answer;
pub use upgrade_head::upgrade_head;
