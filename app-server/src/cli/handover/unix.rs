//! Through a pipe, in place of the running program.

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

use super::{MAX_TOKEN, TOKEN};

/// Tells the descriptor of the pipe.
const PIPE: &str = "BYOKEY_ACCESS_TOKEN_PIPE";

/// Standard input, output and error. A host may name them; reading a token there would take what
/// clients write.
const STANDARD: std::ops::RangeInclusive<i32> = 0..=2;

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
    if STANDARD.contains(&descriptor) {
        return None;
    }
    let pipe = File::open(path(descriptor)).ok()?;
    if !pipe.metadata().ok()?.file_type().is_fifo() {
        return None;
    }
    let mut token = Zeroizing::new(String::with_capacity(MAX_TOKEN));
    let most = u64::try_from(MAX_TOKEN).ok()?;
    pipe.take(most).read_to_string(&mut token).ok()?;
    Some(token)
}

/// Reports a pipe that was not opened because it is the input or an output of this program.
pub(super) fn report(environment: &Environment) {
    let descriptor = environment.get(PIPE).and_then(|named| named.parse().ok());
    if descriptor.is_some_and(|named: i32| STANDARD.contains(&named)) {
        tracing::warn!("ignoring {PIPE}: it names standard input or output");
    }
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
