//! Through a pipe, by executing the program again.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::config::Environment;
use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd};
use zeroize::Zeroizing;

use super::{MAX_TOKEN, TOKEN};

/// The variable with the pipe's descriptor.
const PIPE: &str = "BYOKEY_ACCESS_TOKEN_PIPE";

/// Standard input, output and error. A host could name them; reading a token there would consume
/// clients' messages.
const STANDARD: std::ops::RangeInclusive<i32> = 0..=2;

pub(super) fn start_again(token: OsString) {
    // If a step is refused, nothing has changed.
    let _ = try_to_start_again(token);
}

fn try_to_start_again(token: OsString) -> std::io::Result<()> {
    let program = std::env::current_exe()?;
    let (reader, mut writer) = std::io::pipe()?;
    let descriptor = reader.as_raw_fd();
    // Checks that opening the pipe will work there.
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
    // Our own pipe holds the whole token and has no writer any more. One that a host made may be
    // silent for ever, and is not waited for.
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let pipe = options.open(path(descriptor)).ok()?;
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

/// Returns the path at which a descriptor of this process can be reopened.
fn path(descriptor: i32) -> String {
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    format!("{folder}/{descriptor}")
}
