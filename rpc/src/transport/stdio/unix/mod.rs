//! Descriptors with readiness notification, and those without.

mod blocking;
mod descriptor;

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use blocking::Blocking;
use descriptor::Descriptor;
use rustix::process::Resource;

use super::Streams;
use super::threaded_reader::ThreadedReader;

/// Standard input and output, inaccessible to the rest of the process.
#[derive(Debug)]
pub struct ClaimedStdio {
    input: OwnedFd,
    output: OwnedFd,
}

/// Takes over standard input and output.
///
/// Descriptor 1 becomes standard error, so that a stray print of a library cannot corrupt the
/// stream.
///
/// # Errors
///
/// When a descriptor is closed, or the limit of descriptors is reached.
pub fn claim_stdio() -> io::Result<ClaimedStdio> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(ClaimedStdio { input, output })
}

/// Descriptors that the runtime, the signals and both streams need.
const NEEDED_DESCRIPTORS: usize = 10;
/// With so many numbers above the lowest free one, a process cannot have inherited all but a few.
const AMPLE: u64 = 512;

/// Checks that enough descriptors are available to start: tokio's signal handling panics without
/// them.
///
/// # Errors
///
/// When there are not enough.
pub fn check_descriptors() -> io::Result<()> {
    let free = || rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3);
    let lowest = free()?;
    // Each close takes longer than most system calls, and a start is measured in them.
    let numbers = rustix::process::getrlimit(Resource::Nofile).current;
    let used = u64::try_from(lowest.as_raw_fd()).unwrap_or_default();
    if numbers.is_none_or(|numbers| numbers.saturating_sub(used) >= AMPLE) {
        return Ok(());
    }
    drop(lowest);
    let taken: io::Result<Vec<OwnedFd>> = (0..NEEDED_DESCRIPTORS).map(|_| Ok(free()?)).collect();
    taken.map(drop)
}

impl ClaimedStdio {
    /// Returns the reader and the writer, registered with the runtime.
    ///
    /// # Errors
    ///
    /// When the thread that reads a file cannot be spawned.
    pub fn into_streams(self) -> io::Result<Streams> {
        // A terminal's flags are shared with the shell, so they stay unchanged.
        let input = if self.input.is_terminal() {
            Err(self.input)
        } else {
            Descriptor::new(self.input)
        };
        let output = if self.output.is_terminal() {
            Err(self.output)
        } else {
            Descriptor::new(self.output)
        };
        Ok((
            match input {
                Ok(ready) => Box::new(ready),
                Err(file) => Box::new(ThreadedReader::new(Blocking::new(file))?),
            },
            match output {
                Ok(ready) => Box::new(ready),
                Err(file) => Box::new(Blocking::new(file)),
            },
        ))
    }
}
