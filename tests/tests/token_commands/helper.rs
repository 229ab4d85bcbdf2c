//! A token command for one test: a script of the shell that counts its runs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use byokey_dev_backend::DevBackend;
use byokey_tests::{Host, PATIENCE, Server, Setup};
use serde_json::Value;

/// The id of the provider that the tests configure.
pub(crate) const PROVIDER: &str = "mock";

/// A script in a folder of its own. It may write there, and finds the folder in `$here`.
pub(crate) struct Helper {
    folder: tempfile::TempDir,
}

impl Helper {
    /// Returns a script of these lines.
    pub(crate) fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let helper = Self { folder };
        helper.set(lines);
        helper
    }

    /// Returns a script that prints the content of the file `token`, which has this token.
    pub(crate) fn printing(token: &str) -> Self {
        let helper = Self::new("cat \"$here/token\"");
        helper.print(token);
        helper
    }

    /// Replaces the lines.
    pub(crate) fn set(&self, lines: &str) {
        let here = self.folder.path().display();
        let script = format!("here='{here}'\necho run >>\"$here/runs\"\n{lines}\n");
        self.write("script", &script);
    }

    /// Sets the token that is printed.
    pub(crate) fn print(&self, token: &str) {
        self.write("token", token);
    }

    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Returns the path of a file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns what it wrote to a file.
    pub(crate) fn wrote(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Returns what it wrote to a file, once that has a whole line.
    pub(crate) async fn line(&self, name: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.wrote(name);
            if text.ends_with('\n') {
                return text.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "nothing in {name}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns how often it was run.
    pub(crate) fn runs(&self) -> usize {
        self.wrote("runs").lines().count()
    }

    /// Returns the setting of the command, with these further settings.
    pub(crate) fn auth(&self, more: &str) -> String {
        let script = self.path("script").display().to_string();
        format!("auth={{command=\"/bin/sh\", args=[\"{script}\"]{more}}}")
    }

    /// Returns a program whose provider has the command, with these further settings in it.
    pub(crate) fn setup(&self, backend: &DevBackend, more: &str) -> Setup {
        provider(backend, &[&self.auth(more)])
    }
}

/// Returns a program whose provider needs no login, with these further settings of it.
pub(crate) fn provider(backend: &DevBackend, settings: &[&str]) -> Setup {
    let setup = Setup::default()
        .backend(backend)
        .environment("PATH", "/usr/bin:/bin");
    let all = ["requires_openai_auth=false"].into_iter();
    all.chain(settings.iter().copied())
        .fold(setup, |setup, setting| {
            let setting = format!("model_providers.{PROVIDER}.{setting}");
            setup.argument("-c").argument(&setting)
        })
}

/// Starts a program and a host of it.
pub(crate) async fn start(setup: Setup) -> (Server, Host) {
    let mut server = setup.start();
    let host = Host::initialized(&mut server).await;
    (server, host)
}

/// Returns the ids of the processes that a process started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let children = tasks.map(|task| {
        let file = task.unwrap().path().join("children");
        std::fs::read_to_string(file).unwrap_or_default()
    });
    let all = children.collect::<Vec<_>>().join(" ");
    all.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Waits until a process has ended.
pub(crate) async fn ended(pid: &str, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while is_alive(pid) {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

/// Returns whether a process runs. A zombie does not.
pub(crate) fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let state = status.lines().find(|line| line.starts_with("State:"));
    state.is_some_and(|state| !state.contains('Z') && !state.contains('X'))
}

/// Returns the kind and text of a failed turn.
pub(crate) fn failure(turn: &Value) -> (&str, &str) {
    assert_eq!(turn["status"], "failed", "{turn}");
    let error = &turn["error"];
    (
        error["kind"].as_str().unwrap_or_default(),
        error["message"].as_str().unwrap_or_default(),
    )
}

/// Returns the path as a word of TOML.
pub(crate) fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}
