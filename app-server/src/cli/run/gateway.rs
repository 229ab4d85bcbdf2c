//! Starts the gateway of a command, and becomes the command.
//!
//! The gateway is started by a launcher that ends at once, so that it is not a child of the command:
//! a program that waits for all its children would wait for ever. It has a process group of its own,
//! as Ctrl-C is for the command alone, and it watches the process id of the command, which is this
//! one: an inherited pipe would be held open by what the command leaves behind.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use byokey_base::owner_only;
use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use super::super::{Common, fail};
use super::announced::Announced;

/// How long a gateway may take until it is ready. A keyring may be asking for its password.
const PATIENCE: Duration = Duration::from_secs(150);
/// Longest line of a gateway.
const MAX_LINE: u64 = 64 * 1024;

/// Options of the gateway.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) common: Common,
    pub(super) record: Option<PathBuf>,
    pub(super) log: Option<PathBuf>,
}

/// A gateway that was started.
#[derive(Debug)]
pub(super) struct Starting(PipeReader);

/// Starts a gateway that ends with this process.
pub(super) fn start(options: &Options) -> io::Result<Starting> {
    let (reader, writer) = io::pipe()?;
    let mut arguments = options.common.arguments();
    arguments.extend(["gateway", "--json", "--for-pid"].map(OsString::from));
    arguments.push(std::process::id().to_string().into());
    if let Some(file) = &options.record {
        arguments.extend(["--record".into(), file.clone().into_os_string()]);
    }
    // The terminal is the command's.
    let log = options.log.as_deref().map(open_log).transpose()?;
    let ended = Command::new(std::env::current_exe()?)
        .arg(Launch::NAME)
        .arg("--")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(log.map_or_else(Stdio::null, Into::into))
        .status()?;
    if !ended.success() {
        return Err(io::Error::other("its launcher failed"));
    }
    Ok(Starting(reader))
}

impl Starting {
    /// Waits until the gateway is ready.
    ///
    /// # Errors
    ///
    /// The words of the gateway, or that it said nothing.
    pub(super) fn announced(self) -> Result<Announced, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut line = Zeroizing::new(Vec::with_capacity(4096));
        while !line.ends_with(b"\n") && line.len() as u64 <= MAX_LINE {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("the gateway was not ready in time".to_owned());
            }
            let mut waited = [PollFd::new(&self.0, PollFlags::IN)];
            let limit = Timespec::try_from(left).ok();
            match poll(&mut waited, limit.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
            if waited.iter().all(|waited| waited.revents().is_empty()) {
                continue;
            }
            let mut part = Zeroizing::new([0; 4096]);
            match (&self.0).read(&mut *part) {
                Ok(count @ 1..) => line.extend_from_slice(part.get(..count).unwrap_or_default()),
                _ => break,
            }
        }
        Announced::parse(&line)
    }
}

fn open_log(file: &Path) -> io::Result<File> {
    owner_only::open_append(file).map_err(|failure| io::Error::other(failure.to_string()))
}

/// Becomes that command. Returns only if it cannot be started.
pub(super) fn replace_process(mut command: Command) -> io::Error {
    command.exec()
}

/// Starts this program with these arguments, outside of the process group of the caller, and ends.
#[derive(Debug, Args)]
pub(crate) struct Launch {
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

impl Launch {
    /// Its name on the command line.
    pub(crate) const NAME: &'static str = "launch-gateway";

    pub(crate) fn run(&self) -> ExitCode {
        let program = match std::env::current_exe() {
            Ok(program) => program,
            Err(error) => return fail(&format!("cannot find this program: {error}")),
        };
        // What the caller has open is for the command: a pipe would not end while the gateway runs.
        close_fds::set_fds_cloexec(3, &[]);
        let mut command = Command::new(program);
        command.args(&self.arguments).process_group(0);
        match command.spawn() {
            // It outlives this process.
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot start a gateway: {error}")),
        }
    }
}
