//! Standard input and output as a connection.

#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;
mod threaded_reader;
#[cfg(any(windows, test))]
mod threaded_writer;

pub use platform::{ClaimedStdio, check_descriptors, claim_stdio};

use tokio::io::{AsyncRead, AsyncWrite};

/// The reading and the writing half.
type Streams = (
    Box<dyn AsyncRead + Unpin + Send>,
    Box<dyn AsyncWrite + Unpin + Send>,
);
