//! The address of `byokey app-server` in a build without listeners: standard input and output.

use std::io;
use std::path::Path;

use byokey_rpc::{ClaimedStdio, claim_stdio};
use clap::Args;

use super::at_terminal;

/// The one address.
const STDIO: &str = "stdio://";

/// Where to listen.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Where to listen: this build has `stdio://` only.
    #[arg(long, value_name = "URL", default_value = STDIO)]
    listen: String,
    /// The same as `--listen stdio://`.
    #[arg(long)]
    stdio: bool,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            listen: STDIO.to_owned(),
            stdio: false,
        }
    }
}

/// The bounds of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenLimits {
    /// Longest message, in bytes.
    pub(crate) max_message: usize,
}

/// The address.
#[derive(Debug)]
pub(crate) struct Stdio;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error(
        "this build has no sockets and ports: use stdio://, or a build with the feature listen"
    )]
    NoListeners,
    #[error("cannot serve standard input and output: {0}")]
    Stdio(io::Error),
}

/// The open address.
#[derive(Debug)]
pub(crate) enum Open {
    /// Standard input and output.
    Stdio(ClaimedStdio),
}

impl Listen {
    pub(crate) fn place(self, _: Option<&Path>) -> Result<Stdio, ListenError> {
        match self.stdio || self.listen == STDIO {
            true => Ok(Stdio),
            false => Err(ListenError::NoListeners),
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "a build with listeners has further bounds"
    )]
    pub(crate) const fn limits(&self, max_message: usize) -> ListenLimits {
        ListenLimits { max_message }
    }
}

impl Open {
    pub(crate) fn new(_: Stdio, _: Option<&Path>) -> Result<Self, ListenError> {
        Ok(Self::Stdio(claim_stdio().map_err(ListenError::Stdio)?))
    }

    #[expect(clippy::unused_self, reason = "a listener prints its address")]
    pub(crate) fn announce(&self) {
        at_terminal::hint();
    }

    #[expect(clippy::unused_self, reason = "a listener has files")]
    pub(crate) const fn folder(&self) -> Option<&Path> {
        None
    }
}
