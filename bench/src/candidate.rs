//! The measured programs.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The role of a program in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cat`: the cost of a pipe and nothing else.
    Echo,
    /// The server of this repository.
    Own,
    /// Another build of it, to compare with. It has no goals.
    Build,
    /// Another app-server.
    Peer,
}

/// A program to measure.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The heading of its column.
    pub(crate) name: String,
    /// Its role.
    pub(crate) kind: Kind,
    /// Whether it is the server of this repository without its optional features, which has goals
    /// of its own.
    pub(crate) is_slim: bool,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Candidate {
    /// Returns the echo process.
    pub(crate) fn echo() -> Result<Self, Failure> {
        Ok(Self {
            name: "cat".to_owned(),
            kind: Kind::Echo,
            is_slim: false,
            program: found("cat").ok_or("there is no `cat` on the PATH")?,
            arguments: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// Returns the server of this repository, built at this path.
    pub(crate) fn own(name: &str, program: &Path) -> Result<Self, Failure> {
        let program = program.canonicalize().map_err(|error| {
            format!(
                "no program at {}: {error}; build it, or name another",
                program.display()
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            kind: Kind::Own,
            is_slim: false,
            program,
            arguments: vec!["app-server".to_owned()],
            environment: Vec::new(),
        })
    }

    /// Returns another build of this server, to compare with.
    pub(crate) fn build(name: &str, program: &Path) -> Result<Self, Failure> {
        Ok(Self {
            kind: Kind::Build,
            ..Self::own(name, program)?
        })
    }

    /// Returns the same as the build without optional features.
    pub(crate) fn slim(self) -> Self {
        Self {
            is_slim: true,
            ..self
        }
    }

    /// Returns this one, started by another program with these arguments before its own.
    pub(crate) fn under(self, program: &str, words: Vec<String>) -> Result<Self, Failure> {
        let own = [self.program.display().to_string()];
        Ok(Self {
            program: found(program).ok_or_else(|| format!("there is no program {program}"))?,
            arguments: words.into_iter().chain(own).chain(self.arguments).collect(),
            ..self
        })
    }

    /// Returns the same with these arguments in place of its own.
    pub(crate) fn with_arguments(self, arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            ..self
        }
    }

    /// Returns the same with a variable in its environment.
    pub(crate) fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Returns another app-server, by its command line. Its column is headed by its own version
    /// output.
    pub(crate) fn peer(command: &str) -> Result<Self, Failure> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("--peer needs a command")?;
        let program = found(program).ok_or_else(|| format!("there is no program {program}"))?;
        refuse_script(&program)?;
        let mut candidate = Self {
            name: String::new(),
            kind: Kind::Peer,
            is_slim: false,
            program,
            arguments: words.map(str::to_owned).collect(),
            environment: Vec::new(),
        };
        candidate.name = candidate.version().replace("codex-cli", "codex");
        Ok(candidate)
    }

    /// Returns a command that starts it in this folder, with only the PATH of this environment.
    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("HOME", home)
            .env("CODEX_HOME", home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().cloned())
            .current_dir(home);
        command
    }

    /// Returns the size of the program, in bytes.
    pub(crate) fn size(&self) -> Result<u64, Failure> {
        Ok(std::fs::metadata(&self.program)?.len())
    }

    /// Returns its version output.
    pub(crate) fn version(&self) -> String {
        let output = Command::new(&self.program).arg("--version").output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&output);
        text.lines()
            .next()
            .unwrap_or("of unknown version")
            .to_owned()
    }
}

/// Refuses a script: its size, and the start of its interpreter, would be taken for the program's.
fn refuse_script(program: &Path) -> Result<(), Failure> {
    let mut start = [0; 2];
    File::open(program)?.read_exact(&mut start)?;
    if start != *b"#!" {
        return Ok(());
    }
    let program = program.display();
    Err(format!(
        "{program} is a script that starts a program; name that one (npm puts the one of codex \
         below node_modules/@openai, in vendor/*/bin or vendor/*/codex)"
    )
    .into())
}

/// Returns the file itself, not a link to it.
fn found(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).canonicalize().ok();
    }
    let path = std::env::var_os("PATH")?;
    let all = std::env::split_paths(&path);
    all.map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())?
        .canonicalize()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Candidate;

    #[test]
    fn a_script_that_starts_a_peer_is_refused() {
        let mut script = tempfile::NamedTempFile::new().unwrap();
        script.write_all(b"#!/usr/bin/env node\n").unwrap();
        let refused = Candidate::peer(script.path().to_str().unwrap()).unwrap_err();
        assert!(refused.to_string().contains("is a script"), "{refused}");
    }
}
