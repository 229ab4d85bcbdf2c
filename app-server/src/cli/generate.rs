//! `byokey app-server generate-…`: the protocol in machine-readable form.
//!
//! The files are those of the repository, generated there from the types and embedded compressed.
//! The generators themselves are not part of the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{fail, print};

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/generated.deflate"));

/// What to write.
#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// Write the JSON Schema of the protocol, as 2020-12 and as draft-07.
    #[command(name = "generate-json-schema")]
    JsonSchema(Output),
    /// Write the types of the protocol in TypeScript.
    #[command(name = "generate-ts")]
    TypeScript(Output),
    /// Write the OpenRPC document of the protocol.
    #[command(name = "generate-openrpc")]
    OpenRpc(Output),
}

/// Where to write it.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// The folder; it is created if missing.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Accepted for compatibility with codex; no part of the protocol is experimental.
    #[arg(long)]
    experimental: bool,
}

impl Generate {
    pub(crate) fn run(self) -> ExitCode {
        let (group, output) = match self {
            Self::JsonSchema(output) => ("json-schema/", output),
            Self::TypeScript(output) => ("ts/", output),
            Self::OpenRpc(output) => ("openrpc/", output),
        };
        let Some(text) = unpacked() else {
            return fail("the files in this program are damaged; install it again");
        };
        let mut count = 0_usize;
        for (name, text) in Files(&text) {
            let Some(name) = name.strip_prefix(group) else {
                continue;
            };
            let path = output.out.join(name);
            if let Err(error) = write(&path, text) {
                return fail(&format!("cannot write {}: {error}", path.display()));
            }
            count += 1;
        }
        print(&format!("wrote {count} files to {}", output.out.display()))
    }
}

fn unpacked() -> Option<String> {
    let bytes = miniz_oxide::inflate::decompress_to_vec(PACKED).ok()?;
    String::from_utf8(bytes).ok()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// The archived files: name, length in bytes, text.
struct Files<'a>(&'a str);

impl<'a> Iterator for Files<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_once('\n')?;
        let (length, rest) = rest.split_once('\n')?;
        let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
        self.0 = rest;
        Some((name, text))
    }
}
