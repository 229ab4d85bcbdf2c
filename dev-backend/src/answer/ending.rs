//! How a response ends.

/// What follows the last byte of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Finish,
    /// Silence on an open connection.
    Hang,
    /// The connection is closed.
    Drop,
}

/// The script closes the connection here.
#[derive(Debug, thiserror::Error)]
#[error("the script drops this connection")]
pub(crate) struct Dropped;
