//! Without Unix sockets there is no private place to ask a running gateway.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use byokey_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::counts::Counts;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system has no such sockets.
    #[error("`byokey gateway` needs Unix sockets, which this system does not have")]
    Unsupported,
}

/// Uninhabited: none is created.
#[derive(Debug)]
pub struct KeySocket(Infallible);

impl KeySocket {
    /// See the systems that have it.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn bind(_: PathBuf) -> Result<Self, KeyError> {
        Err(KeyError::Unsupported)
    }

    /// See the systems that have it.
    ///
    /// # Errors
    ///
    /// None: there is no value of this type.
    pub async fn serve(self, _: Arc<Secret>, _: Arc<Counts>) -> io::Result<()> {
        match self.0 {}
    }
}

/// See the systems that have it.
///
/// # Errors
///
/// Always.
pub const fn read_key(_: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    Err(KeyError::Unsupported)
}

/// See the systems that have it.
///
/// # Errors
///
/// Always.
pub const fn read_status(_: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    Err(KeyError::Unsupported)
}
