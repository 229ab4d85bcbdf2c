//! Pipes, files and consoles of Windows have no readiness notification: one thread reads and one
//! writes.

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

/// Takes over standard input and output. The handle of standard output is not moved aside, which
/// would need unsafe code.
///
/// # Errors
///
/// When a handle is closed, or the limit of handles is reached.
pub fn claim_stdio() -> io::Result<ClaimedStdio> {
    Ok(ClaimedStdio {
        input: io::stdin().as_handle().try_clone_to_owned()?,
        output: io::stdout().as_handle().try_clone_to_owned()?,
    })
}

/// Does nothing: Windows has no limit of handles that a program reaches at startup.
///
/// # Errors
///
/// None.
pub const fn check_descriptors() -> io::Result<()> {
    Ok(())
}

impl ClaimedStdio {
    /// Returns the reader and the writer.
    ///
    /// # Errors
    ///
    /// When the threads cannot be spawned.
    pub fn into_streams(self) -> io::Result<Streams> {
        Ok((
            Box::new(ThreadedReader::new(File::from(self.input))?),
            Box::new(ThreadedWriter::new(File::from(self.output))?),
        ))
    }
}
