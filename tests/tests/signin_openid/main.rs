//! Browser logins with third-party parts: an OpenID provider, and a real browser.
//!
//! Without them these tests are skipped with a message. They save pictures of the browser's pages
//! in the target folder, under `tmp`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "a skipped check tells why")]

mod actors;

use std::path::Path;
use std::time::Duration;

use actors::{Browser, Provider, are_installed};
use byokey_tests::command::{auth_json, command, run};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Home, Host, PATIENCE, Server, Setup};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

const CALLBACK: &str = "http://localhost:1455";
/// Our folder in a home.
const FOLDER: &str = ".local/share/byokey";

/// A server with logins at the provider, stored in a file.
struct Scene {
    _ports: LoginPorts,
    provider: Provider,
    browser: Browser,
    store: tempfile::TempDir,
    server: Server,
    host: Host,
}

impl Scene {
    async fn start() -> Self {
        let ports = LoginPorts::take().await;
        let (provider, browser) = tokio::join!(Provider::start(), Browser::start());
        let store = tempfile::tempdir().unwrap();
        let mut server = Self::server(&provider, store.path());
        let host = Host::initialized(&mut server).await;
        Self {
            _ports: ports,
            provider,
            browser,
            store,
            server,
            host,
        }
    }

    fn server(provider: &Provider, store: &Path) -> Server {
        Setup::default()
            .environment("CODEX_APP_SERVER_LOGIN_ISSUER", &provider.issuer())
            .environment("BYOKEY_STORE", "file")
            .environment("BYOKEY_HOME", store.to_str().unwrap())
            .start()
    }

    /// Replaces the server by another one with the same store.
    async fn restart(&mut self) {
        self.server.kill().await;
        self.server = Self::server(&self.provider, self.store.path());
        self.host = Host::initialized(&mut self.server).await;
    }

    /// Starts a login, and logs the user in at the provider.
    async fn begin(&mut self) -> Value {
        let params = json!({"type": "chatgpt"});
        let started = self.host.request("account/login/start", params).await;
        let started = started.unwrap();
        let url = started["authUrl"].as_str().unwrap();
        self.browser.signs_in(url).await;
        started["loginId"].clone()
    }

    /// Runs a whole login.
    async fn sign_in(&mut self) {
        self.begin().await;
        self.browser.run("agree").await;
        let completed = self.host.notification("account/login/completed").await;
        assert_eq!(completed["success"], true, "{completed}");
    }

    async fn account(&mut self, refresh: bool) -> Value {
        let params = json!({"refreshToken": refresh});
        let read = self.host.request("account/read", params).await;
        read.unwrap()["account"].take()
    }

    fn kept(&self, name: &str) -> String {
        kept(self.store.path(), name)
    }
}

/// Returns a token from the file.
fn kept(folder: &Path, name: &str) -> String {
    let file = auth_json(folder).expect("a file");
    file["tokens"][name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_browser_shows_success_only_after_the_exchange() {
    if !are_installed() {
        return;
    }
    let mut scene = Scene::start().await;
    scene.provider.hold().await;
    let id = scene.begin().await;
    scene.browser.run("agree").await;
    scene.provider.waits_for("token.asked").await;
    let early = scene.host.quiet_for(Duration::from_millis(300)).await;
    assert_eq!(early, Vec::<Value>::new(), "nobody is told of success yet");
    let at = scene.browser.run("where").await["url"].take();
    assert!(!at.as_str().unwrap().contains("/success"), "{at}");
    scene.provider.release().await;

    let shown = scene.browser.screenshot("signed-in.png").await;
    assert_eq!(shown["url"], format!("{CALLBACK}/success"), "no code in it");
    assert_eq!(shown["title"], "Signed in");
    let completed = scene.host.notification("account/login/completed").await;
    assert_eq!(
        completed,
        json!({"loginId": id, "success": true, "error": null})
    );
    assert!(!LoginPorts::is_open(1455));
    let asked = scene.provider.waits_for("authorization.success").await;
    assert_eq!(asked["method"], "S256");
    assert_eq!(
        scene.account(false).await,
        json!({"type": "chatgpt", "email": "ada@example.com", "planType": "pro"})
    );
    assert_eq!(
        auth_json(scene.store.path()).unwrap()["tokens"]["account_id"],
        "account-ada"
    );
}

#[tokio::test]
async fn refresh_tokens_rotate_and_one_that_was_stolen_ends_the_login() {
    if !are_installed() {
        return;
    }
    let mut scene = Scene::start().await;
    scene.sign_in().await;
    let (refresh, access) = (scene.kept("refresh_token"), scene.kept("access_token"));
    assert_eq!(scene.account(true).await["email"], "ada@example.com");
    scene.provider.waits_for("refresh_token.consumed").await;
    assert_ne!(scene.kept("refresh_token"), refresh);
    assert_ne!(scene.kept("access_token"), access);

    // The provider revokes the whole login when a token is replayed.
    assert_eq!(scene.provider.spend(&refresh).await, "400");
    scene.provider.waits_for("grant.revoked").await;
    // A server that has just renewed the login does not do so again on request.
    scene.restart().await;
    assert_eq!(scene.account(false).await["email"], "ada@example.com");
    assert_eq!(scene.account(true).await, Value::Null);
    let ask = json!({"includeToken": true});
    let seen = scene.host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(seen["authToken"], Value::Null);
}

#[tokio::test]
async fn a_logout_has_the_provider_take_the_login_back() {
    if !are_installed() {
        return;
    }
    let mut scene = Scene::start().await;
    scene.sign_in().await;
    let refresh = scene.kept("refresh_token");
    let logout = scene.host.request("account/logout", json!({})).await;
    logout.unwrap();
    scene.provider.waits_for("grant.revoked").await;
    assert_eq!(scene.provider.spend(&refresh).await, "400");
    assert_eq!(auth_json(scene.store.path()), None);
}

#[tokio::test]
async fn declining_is_shown_in_the_browser_and_fails_the_login() {
    if !are_installed() {
        return;
    }
    let mut scene = Scene::start().await;
    let id = scene.begin().await;
    scene.browser.run("decline").await;
    let shown = scene.browser.screenshot("declined.png").await;
    assert_eq!(shown["title"], "Sign-in could not be completed");
    let text = shown["text"].as_str().unwrap();
    for said in ["access_denied", "End-User aborted interaction"] {
        assert!(text.contains(said), "{text}");
    }
    let completed = scene.host.notification("account/login/completed").await;
    assert_eq!(completed["loginId"], id);
    assert_eq!(completed["success"], false);
    assert!(!LoginPorts::is_open(1455));
    assert_eq!(scene.account(false).await, Value::Null);
    assert_eq!(auth_json(scene.store.path()), None);
    assert!(!scene.provider.has_event("token.asked").await);
}

#[tokio::test]
async fn consent_after_the_login_was_cancelled_is_ignored() {
    if !are_installed() {
        return;
    }
    let mut scene = Scene::start().await;
    let id = scene.begin().await;
    let cancel = json!({"loginId": id});
    let cancelled = scene.host.request("account/login/cancel", cancel).await;
    assert_eq!(cancelled.unwrap(), json!({"status": "canceled"}));
    let completed = scene.host.notification("account/login/completed").await;
    assert_eq!(completed["success"], false);
    scene.browser.run("agree").await;
    scene.provider.waits_for("authorization.success").await;
    assert!(!scene.provider.has_event("token.asked").await);
    assert_eq!(scene.account(false).await, Value::Null);
}

/// A user's desktop, on which programs open pages with `xdg-open`.
struct Desktop {
    home: Home,
    environment: Vec<(&'static str, String)>,
}

impl Desktop {
    fn new(provider: &Provider) -> Self {
        let home = Home::new("");
        let folder = home.path().join(FOLDER);
        std::fs::create_dir_all(&folder).unwrap();
        let opener = home.path().join("xdg-open");
        let script = "#!/bin/sh\necho \"$1\" >\"$HOME/opened.part\"\nmv \"$HOME/opened.part\" \"$HOME/opened\"\n";
        let settings = "[byokey]\nstore = \"file\"";
        for (file, text) in [(&opener, script), (&folder.join("config.toml"), settings)] {
            #[expect(clippy::disallowed_methods, reason = "the test plays the desktop")]
            std::fs::write(file, text).unwrap();
        }
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&opener, executable).unwrap();
        let path = format!("{}:/usr/bin:/bin", home.path().display());
        let environment = vec![
            ("CODEX_APP_SERVER_LOGIN_ISSUER", provider.issuer()),
            ("DISPLAY", ":made-up".to_owned()),
            ("PATH", path),
        ];
        Self { home, environment }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let pairs = self.environment.iter();
        pairs.map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Returns the page that `byokey` opened.
    async fn opened(&self) -> String {
        let file = self.home.path().join("opened");
        let opened = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let opened = tokio::time::timeout(PATIENCE, opened).await;
        opened.expect("a page is opened in time");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// Runs `byokey login` while the user gives the provider this answer.
    async fn login(&self, browser: &mut Browser, answer: &str) -> (Option<i32>, String) {
        let mut child = command(&self.home, &["login"], &self.environment())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).await.unwrap();
        assert!(first.contains(CALLBACK), "{first}");
        browser.signs_in(&self.opened().await).await;
        browser.run(answer).await;
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        let code = ended.expect("it ends in time").unwrap().code();
        let mut rest = String::new();
        said.read_to_string(&mut rest).await.unwrap();
        (code, rest)
    }
}

#[tokio::test]
async fn a_person_signs_in_and_out_on_the_command_line() {
    if !are_installed() {
        return;
    }
    let _ports = LoginPorts::take().await;
    let (mut provider, mut browser) = tokio::join!(Provider::start(), Browser::start());
    let desktop = Desktop::new(&provider);
    let (code, said) = desktop.login(&mut browser, "agree").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Successfully logged in"), "{said}");
    let shown = browser
        .screenshot("signed-in-on-the-command-line.png")
        .await;
    assert_eq!(shown["title"], "Signed in");

    let status = ["status", "--json"];
    let seen = run(&desktop.home, &status, &desktop.environment(), "").await;
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let report: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(report["email"], "ada@example.com");
    assert_eq!(report["refresh"], "byokey");
    assert!(report["expiresAt"].is_i64(), "{report}");

    let folder = desktop.home.path().join(FOLDER);
    let refresh = kept(&folder, "refresh_token");
    let out = run(&desktop.home, &["logout"], &desktop.environment(), "").await;
    assert_eq!(out.code, Some(0), "{}", out.stderr);
    provider.waits_for("grant.revoked").await;
    assert_eq!(provider.spend(&refresh).await, "400");
    assert_eq!(auth_json(&folder), None);
}

#[tokio::test]
async fn a_declined_login_is_reported_on_the_command_line_too() {
    if !are_installed() {
        return;
    }
    let _ports = LoginPorts::take().await;
    let (provider, mut browser) = tokio::join!(Provider::start(), Browser::start());
    let desktop = Desktop::new(&provider);
    let (code, said) = desktop.login(&mut browser, "decline").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Sign-in failed"), "{said}");
    assert!(
        !said.contains("End-User"),
        "the provider's words are not told"
    );
    let seen = run(&desktop.home, &["status"], &desktop.environment(), "").await;
    assert_eq!(seen.code, Some(1), "{}", seen.stderr);
}
