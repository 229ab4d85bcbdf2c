//! What shells and `man` read: completions and manual pages, made from the definition of the
//! command line.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use time::OffsetDateTime;

use super::{Cli, fail, print};

/// Options of `byokey completion`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell that reads it.
    #[arg(value_name = "SHELL", default_value = "bash")]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "byokey", &mut script);
        match io::stdout().write_all(&script) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

/// Options of `byokey man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder for the pages; it is created if missing.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(&self) -> ExitCode {
        let folder = self.out.display();
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let written = std::fs::create_dir_all(&self.out)
            .and_then(|()| write_pages(&command, &self.out, &date()));
        match written {
            Ok(()) => print(&format!("wrote the manual pages to {folder}")),
            Err(error) => fail(&format!("cannot write manual pages to {folder}: {error}")),
        }
    }
}

/// Writes the page of a command and those of its subcommands.
fn write_pages(command: &clap::Command, folder: &Path, date: &str) -> io::Result<()> {
    for subcommand in command.get_subcommands() {
        write_pages(subcommand, folder, date)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date)
        .source(concat!("byokey ", env!("CARGO_PKG_VERSION")))
        .generate_to(folder)
        .map(drop)
}

/// Returns the date of the pages: that of `SOURCE_DATE_EPOCH`, so that packages are reproducible,
/// or today's.
fn date() -> String {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let given = given.and_then(|seconds| seconds.parse().ok());
    let time = given.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.unwrap_or_else(OffsetDateTime::now_utc)
        .date()
        .to_string()
}
