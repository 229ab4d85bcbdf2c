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
mod profile;
mod terminal;
mod tui;
mod world;

/// Has the programs that this process starts begin with the default of each signal. Where tests run
/// in the background of a shell, some are ignored, and no shell can trap what it began with ignored.
fn signals_by_default() {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::user_defined1(),
    ] {
        // A signal that is handled has its default again in another program.
        drop(signal(kind).unwrap());
    }
}
