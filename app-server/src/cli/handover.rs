//! Takes the access token out of the environment of this process.
//!
//! The system keeps the environment that a process was started with for as long as it runs, on
//! its stack and under `/proc`. So the program starts itself once more, in its own place, without
//! the variable; the token comes through a pipe.

use std::ffi::OsString;

use byokey_app_server::config::Environment;

/// What is handed over.
const TOKEN: &str = "CODEX_ACCESS_TOKEN";
/// Tells the descriptor of the pipe.
const PIPE: &str = "BYOKEY_ACCESS_TOKEN_PIPE";
/// Longest token: so much a pipe takes without a reader, wherever there are pipes.
const MAX_TOKEN: usize = 4096;

/// Starts the program again if a token is in its environment. Returns only if there is none, or
/// if the system refuses; then the token stays where it is.
pub(crate) fn hand_over() {
    if let Some(token) = std::env::var_os(TOKEN).filter(is_worth_it) {
        platform::start_again(token);
    }
}

/// The environment, with the token that was handed over.
pub(super) fn environment() -> Environment {
    let environment = Environment::of_process();
    match platform::received(&environment) {
        Some(token) => environment.with(TOKEN, &token),
        None => environment,
    }
}

fn is_worth_it(token: &OsString) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
}

#[cfg(unix)]
mod platform {
    use std::ffi::OsString;
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::FileTypeExt as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use byokey_app_server::config::Environment;
    use rustix::io::{FdFlags, fcntl_setfd};
    use zeroize::Zeroizing;

    use super::{MAX_TOKEN, PIPE, TOKEN};

    pub(super) fn start_again(token: OsString) {
        // Each step may be refused, and then nothing has changed.
        let _ = try_to_start_again(token);
    }

    fn try_to_start_again(token: OsString) -> std::io::Result<()> {
        let program = std::env::current_exe()?;
        let (reader, mut writer) = std::io::pipe()?;
        let descriptor = reader.as_raw_fd();
        // What will be done there, has to work here.
        File::open(path(descriptor))?;
        writer.write_all(token.as_bytes())?;
        drop((writer, token));
        fcntl_setfd(&reader, FdFlags::empty())?;
        let mut arguments = std::env::args_os();
        let mut command = Command::new(program);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        // It returns only when it fails.
        Err(command
            .args(arguments)
            .env_remove(TOKEN)
            .env(PIPE, descriptor.to_string())
            .exec())
    }

    pub(super) fn received(environment: &Environment) -> Option<Zeroizing<String>> {
        let descriptor = environment.get(PIPE)?.parse().ok()?;
        let pipe = File::open(path(descriptor)).ok()?;
        if !pipe.metadata().ok()?.file_type().is_fifo() {
            return None;
        }
        let mut token = Zeroizing::new(String::with_capacity(MAX_TOKEN));
        let most = u64::try_from(MAX_TOKEN).ok()?;
        pipe.take(most).read_to_string(&mut token).ok()?;
        Some(token)
    }

    /// Where a descriptor of this process can be opened again.
    fn path(descriptor: i32) -> String {
        let folder = if cfg!(target_os = "linux") {
            "/proc/self/fd"
        } else {
            "/dev/fd"
        };
        format!("{folder}/{descriptor}")
    }
}

#[cfg(not(unix))]
mod platform {
    use std::ffi::OsString;

    use byokey_app_server::config::Environment;
    use zeroize::Zeroizing;

    pub(super) fn start_again(_: OsString) {}

    pub(super) fn received(_: &Environment) -> Option<Zeroizing<String>> {
        None
    }
}
