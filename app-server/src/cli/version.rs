//! `byokey version`.

use std::process::ExitCode;

use byokey_protocol::CODEX_LEVEL;
use clap::Args;
use serde::Serialize;

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

impl Version {
    pub(crate) fn run(&self) -> ExitCode {
        if !self.json {
            return print(&line());
        }
        let features = [
            ("demo", cfg!(feature = "demo")),
            ("generate", cfg!(feature = "generate")),
            ("help", cfg!(feature = "help")),
            ("http2", cfg!(feature = "http2")),
            ("keyring", cfg!(feature = "keyring")),
        ];
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            codex_level: CODEX_LEVEL,
            target: env!("BYOKEY_TARGET"),
            features: features
                .into_iter()
                .filter_map(|(name, is_there)| is_there.then_some(name))
                .collect(),
        };
        match serde_json::to_string(&report) {
            Ok(json) => print(&json),
            Err(_) => fail("cannot write the version as JSON"),
        }
    }
}

/// Returns what `--version` prints: clients of codex read its beginning.
pub(super) fn line() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("codex-cli {CODEX_LEVEL} (byokey {version})")
}
