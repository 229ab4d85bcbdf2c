//! The `byokey` program: parses the arguments, hardens the process, and runs the command.
//!
//! `byokey run` is not hardened, because the program that it becomes inherits that. It holds no token.

mod cli;

use std::process::ExitCode;

use byokey_app_server::process::{env_token, hardening, token_commands};
use byokey_heap::Heap;
use zeroizing_alloc::ZeroAlloc;

/// Zeroizes memory on free, so that no library leaves a secret behind.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Heap> = ZeroAlloc(Heap);

fn main() -> ExitCode {
    if token_commands::is_runner(std::env::args_os()) {
        let _ = hardening::harden(false, true);
        return token_commands::serve();
    }
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    #[cfg(feature = "gateway")]
    if let Some(code) = cli::run_unhardened(&cli) {
        return code;
    }
    let allow_debug = std::env::args_os().any(|argument| argument == cli::ALLOW_DEBUG);
    let mut hardening = hardening::harden(allow_debug, true);
    // A server may have to start the runner of token commands first, which may need privileges.
    if !allow_debug && !cli.is_server() {
        hardening = hardening::forbid_new_privileges(hardening);
    }
    env_token::hand_over();
    cli::run(cli, hardening)
}
