//! What shells and `man` read: completions and manual pages, made from the definition of the
//! command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

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
        match std::io::stdout().write_all(&script) {
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
        let written = std::fs::create_dir_all(&self.out)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &self.out));
        match written {
            Ok(()) => print(&format!("wrote the manual pages to {folder}")),
            Err(error) => fail(&format!("cannot write manual pages to {folder}: {error}")),
        }
    }
}
