//! The other parties: an OpenID provider, and a user with a browser. Both are scripts in
//! `tests/oidc` around third-party software.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use byokey_tests::PATIENCE;
use byokey_tests::tools::has;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use url::Url;
use url::form_urlencoded::Serializer;

/// A script that reads a command per line and prints one JSON object per line.
struct Script {
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    child: Child,
}

/// The OpenID provider.
pub(super) struct Provider {
    script: Script,
    pub(super) url: Url,
    /// Its events that were not awaited yet.
    seen: Vec<Value>,
}

/// The user with a browser.
pub(super) struct Browser {
    script: Script,
    _profile: tempfile::TempDir,
}

/// Returns whether all requirements of these tests are installed; reports it if not.
pub(super) fn are_installed() -> bool {
    let installed = folder().join("node_modules").exists();
    if !installed {
        println!("SKIPPED: no OpenID provider; tests/oidc/setup.sh installs it");
    }
    installed && has("node") && has("chromium")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc")
}

impl Script {
    fn start(name: &str, arguments: &[&Path]) -> Self {
        let mut child = Command::new("node")
            .arg(folder().join(name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    async fn send(&mut self, command: &str) {
        let line = format!("{command}\n");
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(2 * PATIENCE, self.output.next_line()).await;
        let line = line.expect("the script answers in time").unwrap();
        serde_json::from_str(&line.expect("the script goes on")).unwrap()
    }
}

impl Drop for Script {
    /// It ends with its input. A browser that is still ending would write its profile again.
    fn drop(&mut self) {
        drop(self.input.take());
        let since = Instant::now();
        while since.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Provider {
    pub(super) async fn start() -> Self {
        let mut script = Script::start("provider.mjs", &[]);
        let url = script.receive().await;
        Self {
            script,
            url: Url::parse(url["at"].as_str().unwrap()).unwrap(),
            seen: Vec::new(),
        }
    }

    /// Returns its URL without a trailing slash.
    pub(super) fn issuer(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// Holds the responses of its token endpoint.
    pub(super) async fn hold(&mut self) {
        self.script.send("hold").await;
        self.waits_for("hold").await;
    }

    pub(super) async fn release(&mut self) {
        self.script.send("release").await;
        self.waits_for("release").await;
    }

    /// Waits for an event, and returns it.
    pub(super) async fn waits_for(&mut self, event: &str) -> Value {
        loop {
            if let Some(at) = self.seen.iter().position(|seen| seen["event"] == event) {
                return self.seen.remove(at);
            }
            let seen = self.script.receive().await;
            assert_ne!(seen["event"], "server_error", "{seen}");
            self.seen.push(seen);
        }
    }

    /// Returns whether an unawaited event has happened.
    pub(super) async fn has_event(&mut self, event: &str) -> bool {
        // Events are printed in order.
        self.release().await;
        self.seen.iter().any(|seen| seen["event"] == event)
    }

    /// Spends a refresh token, as a thief would (replay). Returns the status of the response.
    pub(super) async fn spend(&self, refresh_token: &str) -> String {
        let form = Serializer::new(String::new())
            .append_pair("client_id", "app_EMoamEEZ73f0CkXaXp7hrann")
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token)
            .finish();
        let address = self.url.socket_addrs(|| None).unwrap()[0];
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("an answer in time").unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }
}

impl Browser {
    pub(super) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut script = Script::start("browser.mjs", &[profile.path()]);
        script.receive().await;
        Self {
            script,
            _profile: profile,
        }
    }

    /// Executes a command and returns the page shown then: `url`, `title` and `text`.
    pub(super) async fn run(&mut self, command: &str) -> Value {
        self.script.send(command).await;
        let seen = self.script.receive().await;
        assert!(seen["failure"].is_null(), "{command}: {seen}");
        seen
    }

    /// Opens the page of a login and logs in there, up to the provider's consent page.
    pub(super) async fn signs_in(&mut self, url: &str) {
        self.run(&format!("open {url}")).await;
        let asked = self.run("sign-in ada").await;
        assert!(asked["text"].as_str().unwrap().contains("Authorize"));
    }

    /// Waits for the page of the login server, and saves a picture of it.
    pub(super) async fn screenshot(&mut self, picture: &str) -> Value {
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(picture);
        self.run(&format!("look {}", picture.display())).await
    }
}
