//! A home with a login, and commands that run on it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::issuer::access_token;
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{PATIENCE, byokey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The refresh token of the login.
pub(crate) const REFRESH_TOKEN: &str = "rt-made-up-refresh-token-of-the-login";

/// The access token of the login.
pub(crate) fn real_token() -> String {
    access_token(90)
}

/// A home of one user, the issuer and the backend of the login in it.
pub(crate) struct World {
    /// Not below `/tmp`: codex creates no helpers for a home there.
    pub(crate) home: tempfile::TempDir,
    pub(crate) shared: SharedStore,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: std::process::ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// Returns one with a stored login.
    pub(crate) async fn signed_in() -> Self {
        let world = Self::empty().await;
        world.shared.keep(&real_token(), REFRESH_TOKEN);
        world
    }

    /// Returns one without a login.
    pub(crate) async fn empty() -> Self {
        Self::with_backend(DevBackend::start(Options::new()).unwrap()).await
    }

    pub(crate) async fn with_backend(backend: DevBackend) -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let shared = SharedStore {
            backend,
            ..SharedStore::new().await
        };
        let world = Self { home, shared };
        std::fs::create_dir(world.codex_home()).unwrap();
        let url = world.shared.backend.base_url();
        world.configure(&format!(
            "chatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\"\n"
        ));
        world
    }

    /// Writes codex's configuration.
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    pub(crate) fn configure(&self, toml: &str) {
        std::fs::write(self.codex_home().join("config.toml"), toml).unwrap();
    }

    pub(crate) fn codex_home(&self) -> PathBuf {
        self.home.path().join(".codex")
    }

    /// Returns a program with this home, without `byokey run`.
    pub(crate) fn plain(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TERM", "xterm-256color")
            .env("HOME", self.home.path())
            .env("CODEX_HOME", self.codex_home())
            .env("BYOKEY_HOME", self.shared.folder.path())
            .env("CODEX_APP_SERVER_LOGIN_ISSUER", self.shared.issuer.url())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Returns `byokey run` on the stored login.
    pub(crate) fn run(&self, arguments: &[&str]) -> Command {
        let mut command = self.plain(byokey());
        command.args(["run", "--store", "file"]).args(arguments);
        command
    }

    /// Makes a program of this name. Returns its folder.
    #[expect(clippy::disallowed_methods, reason = "the test plays npm")]
    pub(crate) fn fake_agent(&self, name: &str, script: &str) -> String {
        let folder = self.home.path().join("bin");
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    /// Returns `byokey run` with an agent that is installed there. Its requests to other machines
    /// fail at once.
    pub(crate) fn agent(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = self.run(arguments);
        outside(&mut command, program);
        command
    }

    /// Runs a shell command with `byokey run -- sh -c`.
    pub(crate) async fn shell(&self, script: &str) -> Output {
        ended(self.run(&["--", "sh", "-c", script])).await
    }
}

/// Puts an agent's folder first in `PATH`, and another machine out of reach.
pub(crate) fn outside(command: &mut Command, program: &Path) {
    let folder = program.parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", format!("{folder}:{path}"))
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9");
}

/// Waits for the end of a command.
pub(crate) async fn ended(command: Command) -> Output {
    ended_within(command, PATIENCE).await
}

pub(crate) async fn ended_within(mut command: Command, patience: Duration) -> Output {
    let output = tokio::time::timeout(patience, command.output());
    let output = output.await.expect("it ends in time").unwrap();
    Output {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a request to a gateway. Returns the status; none if nothing listens there.
pub(crate) async fn get(base_url: &str, bearer: &str) -> Option<u16> {
    let address = base_url.strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/v1").unwrap_or(address);
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {bearer}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let head = String::from_utf8_lossy(&answer);
    head.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until nothing listens there any more.
pub(crate) async fn gone(base_url: &str) {
    let is_gone = async {
        while get(base_url, "x").await.is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let over = tokio::time::timeout(PATIENCE, is_gone).await;
    over.expect("the gateway ends with its command");
}
