//! The program with its traffic recorded, as clients start it: its output is searched for every
//! secret in its input.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use serde_json::Value;
use tempfile::TempDir;

use crate::{Canaries, PATIENCE, byokey};

/// The wrapper of the program: it logs everything, and records input and output. The client gets
/// the usual part of the log. Process id, parent, signals, exit code and the end of input are the
/// program's own. A process that still records holds the lock.
const SCRIPT: &str = r#"#!$BASH
exec {running}>>"$FOLDER/running"
$FLOCK --shared "$running"
at="$FOLDER/$$"
exec < <(trap '' INT TERM; exec $TEE -a "$at.input" 2>/dev/null)
exec > >(trap '' INT TERM; exec $TEE -a "$at.output" 2>/dev/null)
exec 2> >(trap '' INT TERM; exec $TEE -a "$at.log" > >(
  exec $GREP --line-buffered --invert-match " \(INFO\|DEBUG\|TRACE\) byokey" >&2))
RUST_LOG=trace exec "$REAL" "$@" {running}>&-
"#;

/// The tools of the script. Clients may start it with any search path.
const TOOLS: [&str; 4] = ["bash", "flock", "grep", "tee"];

/// A line in the log of every program at the lowest level.
const LOGGED: &str = " DEBUG byokey";

/// The program with its traffic recorded.
#[derive(Debug)]
pub struct Overheard {
    folder: TempDir,
    canaries: Canaries,
}

/// What was searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    /// How often the program was started.
    pub starts: usize,
    /// Secrets in its input.
    pub secrets: usize,
    /// Bytes of its output.
    pub output: usize,
    /// Bytes of its log.
    pub log: usize,
}

impl Overheard {
    /// Returns a wrapper of the program under test.
    #[must_use]
    pub fn start() -> Self {
        Self::of(&byokey())
    }

    /// Returns a wrapper of a program that will be given these secrets, whether or not it reads
    /// them.
    #[must_use]
    pub fn with_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let overheard = Self::start();
        overheard.add_secrets(secrets);
        overheard
    }

    /// Returns a wrapper of another build of the program.
    ///
    /// # Panics
    ///
    /// When the folder cannot be created.
    #[must_use]
    pub fn of(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let real = program.canonicalize().expect("the program");
        let [bash, flock, grep, tee] = TOOLS.map(place);
        let script = SCRIPT
            .replace("$BASH", &bash)
            .replace("$FLOCK", &flock)
            .replace("$GREP", &grep)
            .replace("$TEE", &tee)
            .replace("$FOLDER", &folder.path().display().to_string())
            .replace("$REAL", &real.display().to_string());
        let overheard = Self {
            folder,
            canaries: Canaries::default(),
        };
        make_program(&overheard.program(), &script);
        overheard
    }

    /// Adds secrets that the program may be given.
    pub fn add_secrets<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        secrets.into_iter().for_each(|it| self.canaries.add(it));
    }

    /// Returns the program to start instead.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("byokey")
    }

    /// Fails if a secret appears in the program's output, or in the client's. All secrets in the
    /// client's messages are searched for.
    ///
    /// # Panics
    ///
    /// When one does, or when there was nothing to search.
    pub fn check(&self, text: &str) -> Heard {
        self.await_end();
        let [inputs, outputs, logs] = ["input", "output", "log"].map(|what| self.written(what));
        let secrets = messages(&inputs).map(|it| self.canaries.learn(&it)).sum();
        assert!(
            outputs.contains("userAgent"),
            "nothing was heard: {outputs}"
        );
        assert!(logs.contains(LOGGED), "nothing was logged: {logs}");
        assert!(secrets > 0, "no secret was handed over");
        self.canaries.check_text("standard output", &outputs);
        self.canaries.check_text("standard error", &logs);
        self.canaries.check_text("the client's output", text);
        Heard {
            starts: self.files("output").len(),
            secrets,
            output: outputs.len(),
            log: logs.len(),
        }
    }

    /// Waits until the records of all starts are complete.
    fn await_end(&self) {
        let lock = std::fs::File::open(self.folder.path().join("running"));
        let lock = lock.expect("the program was started");
        let deadline = Instant::now() + PATIENCE;
        while rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            assert!(Instant::now() < deadline, "the program has not ended");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the records of all starts.
    fn written(&self, what: &str) -> String {
        let files = self.files(what).into_iter();
        let bytes = files.flat_map(|file| std::fs::read(file).expect("a file"));
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }

    /// Returns one file per start.
    fn files(&self, what: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).expect("the folder");
        let files = files.map(|file| file.expect("a file").path());
        files
            .filter(|it| it.extension().is_some_and(|it| it == what))
            .collect()
    }
}

/// Returns the path of a tool.
fn place(tool: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(tool));
    let found = places.find(|it| it.is_file());
    found
        .expect("bash, flock, grep and tee are here")
        .display()
        .to_string()
}

/// Writes an executable script. Another process writes it: a file open for writing here could be
/// inherited by a child of another test, and the system would refuse to execute it.
fn make_program(program: &Path, script: &str) {
    let source = program.with_extension("source");
    #[expect(clippy::disallowed_methods, reason = "a script of the test")]
    std::fs::write(&source, script).expect("the script");
    let mut install = Command::new("install");
    let made = install.arg("-m755").arg(source).arg(program).status();
    assert!(made.expect("install runs").success(), "no program was made");
}

/// Iterates over the messages in a client's output, in either framing, and its other lines.
fn messages(said: &str) -> impl Iterator<Item = Value> + '_ {
    let mut rest = said;
    std::iter::from_fn(move || {
        loop {
            rest = rest.get(rest.find('{')?..)?;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter();
            let message = values.next().and_then(Result::ok);
            rest = rest.get(values.byte_offset().max(1)..)?;
            if message.is_some() {
                return message;
            }
        }
    })
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            starts,
            secrets,
            output,
            log,
        } = self;
        write!(
            f,
            "{starts} starts, {output} bytes of output, {log} of the log: \
             none of {secrets} secrets that were handed over shows"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use serde_json::json;

    use super::{Overheard, make_program, messages};

    #[test]
    fn messages_are_found_in_either_framing() {
        let said = "Content-Length: 8\r\n\r\n{\"a\": 1}Content-Length: 8\r\n\r\n{\"b\": 2}\n\
                    {broken {\"c\": 3}\n{\"d\": 4}\n{\"cut\":";
        let found: Vec<_> = messages(said).collect();
        let expected = [
            json!({"a": 1}),
            json!({"b": 2}),
            json!({"c": 3}),
            json!({"d": 4}),
        ];
        assert_eq!(found, expected);
    }

    /// Runs a program that repeats its input, on standard error or on standard output.
    fn heard(says: &str, text: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let beginning = "#!/bin/sh\necho userAgent; echo ' DEBUG byokey' >&2";
        make_program(&real, &format!("{beginning}\n{says}"));
        let overheard = Overheard::of(&real);
        let mut input = tempfile::tempfile().unwrap();
        serde_json::to_writer(&input, &json!({"accessToken": "made-up-and-to-be-found"})).unwrap();
        input.rewind().unwrap();
        let status = Command::new(overheard.program())
            .stdin(input)
            .stdout(Stdio::null())
            .status();
        assert_eq!(status.unwrap().code(), Some(7));
        let check = std::panic::AssertUnwindSafe(|| overheard.check(text));
        std::panic::catch_unwind(check).is_ok()
    }

    #[test]
    fn what_shows_is_found_and_silence_is_no_proof() {
        assert!(heard("cat >/dev/null; exit 7", "nothing"));
        assert!(!heard("cat; exit 7", ""));
        assert!(!heard("cat >&2; exit 7", ""));
        assert!(!heard("od -An -vtx1 | tr -d ' \\n'; exit 7", ""));
        assert!(!heard(
            "cat >/dev/null; exit 7",
            "it is made-up-and-to-be-found"
        ));
        let silent = || Overheard::of(Path::new("/bin/true")).check("");
        let silent = std::panic::catch_unwind(silent);
        assert!(silent.is_err(), "it was not started");
    }
}
