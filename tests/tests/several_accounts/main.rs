//! Several accounts in one server, as hosts and the backend see them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod list;
#[cfg(target_os = "linux")]
mod memory;
mod refreshes;
mod support;
mod unaware;
