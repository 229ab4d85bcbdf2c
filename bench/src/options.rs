//! The command line.

use std::path::PathBuf;

use crate::Failure;

pub(crate) const USAGE: &str = "\
usage: ./bench.sh [--own NAME=PATH]... [--peer 'COMMAND']... [--rounds N] [--quick] [--only WORD] [--write-docs]

  --own NAME=PATH   also measure this build of the server, in a column of that name; repeatable
  --peer 'COMMAND'  also measure this app-server; repeatable
  --rounds N        rounds in which the programs take turns (default 5)
  --quick           a twentieth of all repetitions, to see that everything works
  --only WORD       only measurements with this word in their name
  --write-docs      write docs/performance.md and what belongs to it; measures the far backend too
  --byokey PATH     the program to measure, in place of the one built here
  --slim PATH       the same, built without its optional features
";

/// The options.
#[derive(Debug)]
pub(crate) struct Options {
    /// Other builds of the server, by the names of their columns.
    pub(crate) builds: Vec<(String, PathBuf)>,
    /// Command lines of other app-servers.
    pub(crate) peers: Vec<String>,
    /// Rounds in which the programs alternate.
    pub(crate) rounds: usize,
    /// Whether to measure much less.
    pub(crate) quick: bool,
    /// Whether to write the page.
    pub(crate) write_docs: bool,
    /// A part of the names of the measurements to run.
    pub(crate) only: String,
    /// The program to measure.
    pub(crate) byokey: PathBuf,
    /// The same without its optional features.
    pub(crate) slim: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            builds: Vec::new(),
            peers: Vec::new(),
            rounds: 5,
            quick: false,
            write_docs: false,
            only: String::new(),
            byokey: PathBuf::from("target/release/byokey"),
            slim: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--own" => options.builds.push(build(&value()?)?),
                "--peer" => options.peers.push(value()?),
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.only = value()?,
                "--byokey" => options.byokey = value()?.into(),
                "--slim" => options.slim = Some(value()?.into()),
                "--quick" => options.quick = true,
                "--write-docs" => options.write_docs = true,
                "--help" => return Err(USAGE.into()),
                _ => return Err(format!("unknown argument {argument}\n{USAGE}").into()),
            }
        }
        Ok(options)
    }
}

/// Reads `NAME=PATH`.
fn build(argument: &str) -> Result<(String, PathBuf), Failure> {
    let named = argument.split_once('=');
    let (name, path) = named.ok_or_else(|| format!("--own {argument}: NAME=PATH is expected"))?;
    Ok((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Options;

    #[test]
    fn another_build_has_a_name_and_a_path() {
        let read = |build: &str| Options::read(["--own", build].map(str::to_owned).into_iter());
        let options = read("gnu=target/a=b").unwrap();
        assert_eq!(
            options.builds,
            [("gnu".to_owned(), PathBuf::from("target/a=b"))]
        );
        assert!(read("target/byokey").is_err());
    }
}
