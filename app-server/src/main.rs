//! The `byokey` program: hardens the process, parses the arguments, and runs the command.

mod cli;

use std::alloc::System;
use std::process::ExitCode;

use byokey_app_server::process::{env_token, hardening};
use zeroizing_alloc::ZeroAlloc;

/// Zeroizes memory on free, so that no library leaves a secret behind.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let allow_debug = std::env::args_os().any(|argument| argument == cli::ALLOW_DEBUG);
    let hardening = hardening::harden(allow_debug, true);
    env_token::hand_over();
    cli::run(hardening)
}
