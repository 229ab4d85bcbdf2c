//! `byokey run`: what a command gets, that it is allowed what it is allowed without, and how it ends.
//!
//! With the real codex and opencode where they are installed: see `tests/codex/README.md`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod canary;
mod codex;
mod command;
mod ends;
mod opencode;
mod privileges;
mod terminal;
mod tui;
mod world;
