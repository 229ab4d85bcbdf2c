//! The real codex reads our file, and we read codex's: logins, access tokens and API keys. Neither
//! changes its meaning for the other.
//!
//! Without codex these tests are skipped with a message.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use byokey_tests::command::{Ended, auth_json, run};
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::{Canaries, Framing, Home, Host, PATIENCE, Server, Setup};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// A home shared by codex and us, with one file for both.
struct Shared {
    program: PathBuf,
    home: Home,
    issuer: Issuer,
}

impl Shared {
    /// Returns `None` without codex.
    async fn new() -> Option<Self> {
        Some(Self {
            program: byokey_tests::codex::program()?,
            home: Home::new(""),
            issuer: Issuer::start().await,
        })
    }

    fn folder(&self) -> PathBuf {
        self.home.codex_home()
    }

    fn kept(&self) -> Value {
        auth_json(&self.folder()).unwrap()
    }

    /// Starts codex, with this issuer as its only one.
    fn start_codex(&self, arguments: &[&str]) -> Child {
        let issuer = self.issuer.url();
        Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("CODEX_HOME", self.folder())
            .env("CODEX_APP_SERVER_LOGIN_ISSUER", &issuer)
            .env("CODEX_AUTHAPI_BASE_URL", format!("{issuer}/api/accounts"))
            .env(
                "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
                format!("{issuer}/oauth/token"),
            )
            // Its other network requests fail.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("codex starts")
    }

    /// Runs a command of codex. Returns its output.
    async fn codex(&self, arguments: &[&str], input: &str) -> String {
        let mut child = self.start_codex(arguments);
        let mut stdin = child.stdin.take().unwrap();
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("codex ends in time").unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        said
    }

    /// Returns the token of codex's own server, renewed on request.
    async fn token_of_codex(&self, renewed: bool) -> Value {
        let mut child = self.start_codex(&["app-server"]);
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut host = Host::over(pipes, Framing::Lines, &Canaries::default());
        host.introduce("test-host", json!({"experimentalApi": true}))
            .await;
        let ask = json!({"includeToken": true, "refreshToken": renewed});
        let told = host.request("getAuthStatus", ask).await;
        told.unwrap()["authToken"].take()
    }

    /// Runs a command of ours.
    async fn ours(&self, arguments: &[&str], input: &str) -> Ended {
        let (issuer, folder) = (self.issuer.url(), self.folder());
        let environment = [
            ("CODEX_APP_SERVER_LOGIN_ISSUER", issuer.as_str()),
            ("BYOKEY_HOME", folder.to_str().unwrap()),
            ("BYOKEY_STORE", "file"),
        ];
        let ended = run(&self.home, arguments, &environment, input).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        ended
    }

    /// Returns the report of `byokey status`.
    async fn status(&self) -> Value {
        let ended = self.ours(&["status", "--json"], "").await;
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Starts a server of ours that restores the file's login.
    async fn server(&self) -> (Server, Host) {
        let setup = Setup::default()
            .environment("BYOKEY_HOME", self.folder().to_str().unwrap())
            .environment("BYOKEY_STORE", "file");
        let mut server = self.issuer.set_up(setup).start();
        let host = Host::initialized(&mut server).await;
        (server, host)
    }
}

/// Adds an unknown member, as another version of codex would.
fn add_member(folder: &Path, content: &mut Value) {
    content["of-the-future"] = json!([1]);
    #[expect(clippy::disallowed_methods, reason = "the test plays another codex")]
    std::fs::write(folder.join("auth.json"), content.to_string()).unwrap();
}

#[tokio::test]
async fn codex_uses_and_renews_our_login_and_we_follow() {
    let Some(shared) = Shared::new().await else {
        return;
    };
    shared.ours(&["login", "--device-auth"], "").await;
    let before = shared.kept();
    let said = shared.codex(&["login", "status"], "").await;
    assert!(said.contains("Logged in using ChatGPT"), "{said}");
    assert_eq!(shared.token_of_codex(false).await, access_token(1));
    assert_eq!(shared.kept(), before, "codex leaves it as it is");

    let (_server, mut host) = shared.server().await;
    assert_eq!(shared.token_of_codex(true).await, access_token(2));
    assert_eq!(shared.status().await["email"], "ada@example.com");
    // Ours is superseded: it takes codex's tokens instead of spending a spent one.
    let ask = json!({"includeToken": true, "refreshToken": true});
    let told = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(told["authToken"], access_token(2));
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

#[tokio::test]
async fn we_use_and_renew_codexs_login_and_codex_follows() {
    let Some(shared) = Shared::new().await else {
        return;
    };
    let issuer = shared.issuer.url();
    let login = ["login", "--device-auth", "--experimental_issuer", &issuer];
    shared.codex(&login, "").await;
    let mut before = shared.kept();
    add_member(&shared.folder(), &mut before);
    let report = shared.status().await;
    assert_eq!(report["mode"], "chatgpt");
    assert_eq!(report["email"], "ada@example.com");
    assert_eq!(report["refresh"], "byokey");
    assert_eq!(shared.kept(), before, "to look changes nothing");

    let (_server, mut host) = shared.server().await;
    let ask = json!({"includeToken": true, "refreshToken": true});
    let told = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(told["authToken"], access_token(2));
    let mut after = shared.kept();
    assert_ne!(after["last_refresh"], before["last_refresh"]);
    assert_eq!(after["tokens"]["refresh_token"], "rt-made-up-2");
    // All other members are unchanged, known or not.
    for name in ["access_token", "refresh_token"] {
        after["tokens"][name] = before["tokens"][name].clone();
    }
    after["last_refresh"] = before["last_refresh"].clone();
    assert_eq!(after, before);
    let said = shared.codex(&["login", "status"], "").await;
    assert!(said.contains("Logged in using ChatGPT"), "{said}");
    assert_eq!(shared.token_of_codex(false).await, access_token(2));
}

#[tokio::test]
async fn our_login_takes_the_place_of_codexs_whole() {
    let Some(shared) = Shared::new().await else {
        return;
    };
    let issuer = shared.issuer.url();
    let login = ["login", "--device-auth", "--experimental_issuer", &issuer];
    shared.codex(&login, "").await;
    let members = |kept: Value| kept["tokens"].as_object().unwrap().len();
    assert!(members(shared.kept()) > 4, "codex tells who granted them");
    shared.ours(&["login", "--device-auth"], "").await;
    assert_eq!(members(shared.kept()), 4, "that was of another login");
    assert_eq!(shared.token_of_codex(false).await, access_token(2));
}

#[tokio::test]
async fn an_api_key_is_read_both_ways() {
    let Some(shared) = Shared::new().await else {
        return;
    };
    let login = ["login", "--with-api-key"];
    shared.ours(&login, "sk-made-up-key-of-ours").await;
    let before = shared.kept();
    let said = shared.codex(&["login", "status"], "").await;
    assert!(said.contains("API key configured"), "{said}");
    assert_eq!(shared.token_of_codex(false).await, "sk-made-up-key-of-ours");
    assert_eq!(shared.kept(), before);

    shared.codex(&login, "sk-made-up-key-of-codex").await;
    let before = shared.kept();
    assert_eq!(shared.status().await["mode"], "apikey");
    let (_server, mut host) = shared.server().await;
    let ask = json!({"includeToken": true});
    let told = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(told["authToken"], "sk-made-up-key-of-codex");
    assert_eq!(shared.kept(), before);
}

#[tokio::test]
async fn an_access_token_is_read_both_ways() {
    let Some(shared) = Shared::new().await else {
        return;
    };
    let login = ["login", "--with-access-token"];
    shared.ours(&login, "at-made-up-of-ours").await;
    let ours = shared.kept();
    let asked = shared.issuer.asked(Ask::Whoami).len();
    let said = shared.codex(&["login", "status"], "").await;
    assert!(
        said.contains("Logged in using personal access token"),
        "{said}"
    );
    let asked = &shared.issuer.asked(Ask::Whoami)[asked..];
    assert_eq!(
        asked[0].authorization.as_deref(),
        Some("Bearer at-made-up-of-ours")
    );
    assert_eq!(shared.kept(), ours);

    shared.codex(&login, "at-made-up-of-codex").await;
    let codexs = shared.kept();
    assert_eq!(shared.status().await["mode"], "personalAccessToken");
    let (_server, mut host) = shared.server().await;
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "ada@example.com");
    assert_eq!(shared.kept(), codexs);
    let names =
        |kept: &Value| -> Vec<String> { kept.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&ours), names(&codexs), "both have one shape");
}
