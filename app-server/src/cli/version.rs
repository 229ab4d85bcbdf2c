//! `byokey version`.

use std::process::ExitCode;

use byokey_protocol::CODEX_LEVEL;
use clap::Args;
use serde::Serialize;

use super::report::Failure;
use super::{fail, print};

/// Options of `byokey version`.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    /// The version of codex whose protocol this program speaks.
    codex_level: &'static str,
    /// The target triple that the program was built for.
    target: &'static str,
    /// The optional parts that it has.
    features: Vec<&'static str>,
}

/// The output of `--json` where the arguments are wrong.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    pub(super) error: Failure,
}

impl Version {
    pub(crate) fn run(&self) -> ExitCode {
        if !self.json {
            return print(&line());
        }
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            codex_level: CODEX_LEVEL,
            target: env!("BYOKEY_TARGET"),
            features: features(),
        };
        match serde_json::to_string(&report) {
            Ok(json) => print(&json),
            Err(_) => fail("cannot write the version as JSON"),
        }
    }
}

/// Returns the optional parts of this program: the features of the crate that it was built with.
pub(super) fn features() -> Vec<&'static str> {
    let all = [
        ("demo", cfg!(feature = "demo")),
        ("doctor", cfg!(feature = "doctor")),
        ("gateway", cfg!(feature = "gateway")),
        ("generate", cfg!(feature = "generate")),
        ("help", cfg!(feature = "help")),
        ("http2", cfg!(feature = "http2")),
        ("keyring", cfg!(feature = "keyring")),
        ("listen", cfg!(feature = "listen")),
        ("standby", cfg!(feature = "standby")),
    ];
    let built_in = all.into_iter().filter(|(_, is_there)| *is_there);
    built_in.map(|(name, _)| name).collect()
}

/// Returns what `--version` prints: clients of codex read its beginning.
pub(super) fn line() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("codex-cli {CODEX_LEVEL} (byokey {version})")
}
