//! The program as clients of others start it, overheard: what it writes is kept, and searched for
//! the secrets that it was given.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Canaries, PATIENCE, byokey};

/// Takes the program's place: it has everything logged, and writes down what the client reads and
/// what it may not. Process id and exit code stay the program's own.
const SCRIPT: &str = r#"#!/usr/bin/env bash
echo begun >>"$0.begun"
RUST_LOG=trace exec "$REAL" "$@" > >(tee -a "$0.output"; echo ended >>"$0.ended") 2>>"$0.log"
"#;

/// The program, overheard.
#[derive(Debug)]
pub struct Overheard {
    folder: TempDir,
    canaries: Canaries,
}

impl Overheard {
    /// A program that will be given these secrets.
    ///
    /// # Panics
    ///
    /// When there is no place for it.
    #[must_use]
    pub fn with_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let overheard = Self {
            folder,
            canaries: Canaries::default(),
        };
        for secret in secrets {
            overheard.canaries.add(secret);
        }
        let real = byokey().display().to_string();
        let script = SCRIPT.replace("$REAL", &real.replace('"', "\\\""));
        let program = overheard.program();
        #[expect(clippy::disallowed_methods, reason = "a script of the test")]
        std::fs::write(&program, script).expect("the script");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(program, mode).expect("the script may run");
        overheard
    }

    /// What to start in its place.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("byokey")
    }

    /// Fails if a secret shows in what the program wrote, or in what the client told.
    ///
    /// # Panics
    ///
    /// When one does, or nothing was heard.
    pub fn check(&self, told: &str) {
        self.await_end();
        let output = self.written("output");
        assert!(output.contains("userAgent"), "nothing was heard: {output}");
        self.canaries.check_text("standard output", &output);
        self.canaries
            .check_text("standard error", &self.written("log"));
        self.canaries.check_text("the client's output", told);
    }

    /// Waits until the last word of every start is written down.
    fn await_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.written("begun").lines().count() > self.written("ended").lines().count() {
            assert!(Instant::now() < deadline, "the program has not ended");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is written down so far.
    fn written(&self, what: &str) -> String {
        let file = self.program().with_extension(what);
        let bytes = std::fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
