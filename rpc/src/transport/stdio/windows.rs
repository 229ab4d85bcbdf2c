//! Pipes, files and consoles of Windows have no readiness notification: a thread reads, and
//! another one writes.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle as _, OwnedHandle};

use super::Streams;
use super::threaded_reader::ThreadedReader;
use super::threaded_writer::ThreadedWriter;

/// Standard input and output.
#[derive(Debug)]
pub struct ClaimedStdio {
    input: OwnedHandle,
    output: OwnedHandle,
}

/// Takes standard input and output. The handle of standard output stays where it is: to move it
/// aside would take unsafe code.
///
/// # Errors
///
/// When a handle is closed or there are no more.
pub fn claim_stdio() -> io::Result<ClaimedStdio> {
    Ok(ClaimedStdio {
        input: io::stdin().as_handle().try_clone_to_owned()?,
        output: io::stdout().as_handle().try_clone_to_owned()?,
    })
}

/// There is no limit of handles that a program could meet at its start.
///
/// # Errors
///
/// None.
pub const fn check_descriptors() -> io::Result<()> {
    Ok(())
}

impl ClaimedStdio {
    /// Reader and writer, within a runtime.
    ///
    /// # Errors
    ///
    /// When the threads cannot be started.
    pub fn into_streams(self) -> io::Result<Streams> {
        Ok((
            Box::new(ThreadedReader::new(File::from(self.input))?),
            Box::new(ThreadedWriter::new(File::from(self.output))?),
        ))
    }
}
