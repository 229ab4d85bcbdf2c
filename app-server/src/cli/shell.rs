//! What shells and `man` read: completions and manual pages, made from the definition of the
//! command line.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use time::OffsetDateTime;

use super::{Cli, fail, print};

/// Longest line of text of a manual page, in bytes.
const MAX_LINE: usize = 80;

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
#[expect(
    clippy::disallowed_methods,
    reason = "the user names the folder, and a page holds no secret"
)]
fn write_pages(command: &clap::Command, folder: &Path, date: &str) -> io::Result<()> {
    for subcommand in command.get_subcommands() {
        write_pages(subcommand, folder, date)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    let page = clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date)
        .source(concat!("byokey ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render(&mut text)?;
    let text = tidied(&String::from_utf8_lossy(&text));
    std::fs::write(folder.join(page.get_filename()), text)
}

/// Returns a page without what `mandoc -T lint` remarks on, and with the examples as they are.
fn tidied(page: &str) -> String {
    let page = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    let mut tidied = String::with_capacity(page.len());
    let mut is_extra = false;
    for line in page.lines().map(str::trim_end) {
        let mut line = match line {
            ".SH EXTRA" => {
                is_extra = true;
                ".SH EXAMPLES\n.nf"
            }
            "Examples:" if is_extra => continue,
            _ => line,
        };
        if is_extra && line.starts_with(".SH ") && !line.ends_with(".nf") {
            is_extra = false;
            tidied.push_str(".fi\n");
        }
        while let Some((first, rest)) = split_line(line) {
            tidied.push_str(first);
            tidied.push('\n');
            line = rest;
        }
        tidied.push_str(line);
        tidied.push('\n');
    }
    tidied
}

/// Splits a line of text that is too long, where the rest is not read as a request of roff.
fn split_line(line: &str) -> Option<(&str, &str)> {
    const SPECIAL: [char; 3] = ['.', '\'', ' '];
    if line.len() <= MAX_LINE || line.starts_with(SPECIAL) {
        return None;
    }
    line.rmatch_indices(' ').find_map(|(at, _)| {
        let (first, rest) = (line.get(..at)?, line.get(at + 1..)?);
        (at <= MAX_LINE && !rest.starts_with(SPECIAL)).then_some((first, rest))
    })
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
