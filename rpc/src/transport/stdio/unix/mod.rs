//! Descriptors with readiness notification, and those without.

mod blocking;
mod descriptor;

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, OwnedFd};

use blocking::Blocking;
use descriptor::Descriptor;

use super::Streams;
use super::threaded_reader::ThreadedReader;

/// Standard input and output, out of reach of the rest of the process.
#[derive(Debug)]
pub struct ClaimedStdio {
    input: OwnedFd,
    output: OwnedFd,
}

/// Takes standard input and output.
///
/// Descriptor 1 becomes standard error, so that a stray print of some library cannot corrupt the
/// stream.
///
/// # Errors
///
/// When a descriptor is closed or there are no more.
pub fn claim_stdio() -> io::Result<ClaimedStdio> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(ClaimedStdio { input, output })
}

/// How many descriptors the runtime, the signals and both streams need.
const NEEDED_DESCRIPTORS: usize = 10;

/// Makes sure that there are enough descriptors to start with: the runtime's signals panic where
/// there are none.
///
/// # Errors
///
/// When there are not.
pub fn check_descriptors() -> io::Result<()> {
    let taken: io::Result<Vec<OwnedFd>> = (0..NEEDED_DESCRIPTORS)
        .map(|_| io::stderr().as_fd().try_clone_to_owned())
        .collect();
    taken.map(drop)
}

impl ClaimedStdio {
    /// Reader and writer, within a runtime.
    ///
    /// # Errors
    ///
    /// When the thread that reads a file cannot be started.
    pub fn into_streams(self) -> io::Result<Streams> {
        // A terminal's flags are shared with the shell, so it stays as it is.
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
