//! This system cannot replace a process, or cannot report the end of one: `byokey run` is not there.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;

use super::super::{Common, fail};
use super::announced::Announced;

/// Options of the gateway.
#[derive(Debug)]
#[expect(dead_code, reason = "nothing is started")]
pub(super) struct Options {
    pub(super) common: Common,
    pub(super) record: Option<PathBuf>,
    pub(super) log: Option<PathBuf>,
}

/// A gateway that was started: there is none.
#[derive(Debug)]
pub(super) enum Starting {}

const NOT_THERE: &str = "`byokey run` is not there on this system yet; start `byokey gateway`, and \
                         give a program the address and the key that it prints";

pub(super) fn start(_: &Options) -> io::Result<Starting> {
    Err(io::Error::new(io::ErrorKind::Unsupported, NOT_THERE))
}

impl Starting {
    pub(super) fn announced(self) -> Result<Announced, String> {
        match self {}
    }
}

pub(super) fn replace_process(_: Command) -> io::Error {
    io::ErrorKind::Unsupported.into()
}

/// Not there.
#[derive(Debug, Args)]
pub(crate) struct Launch {}

impl Launch {
    pub(crate) const NAME: &'static str = "launch-gateway";

    pub(crate) fn run(&self) -> ExitCode {
        fail(NOT_THERE)
    }
}
