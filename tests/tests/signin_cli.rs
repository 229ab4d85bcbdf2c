//! Login, logout and status on the command line.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use byokey_dev_backend::TestToken;
use byokey_tests::command::{Ended, auth_json, command, run};
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Home, PATIENCE};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// A user's home, and the issuer of their logins.
struct Person {
    home: Home,
    issuer: Issuer,
}

impl Person {
    async fn new() -> Self {
        let home = Home::new("[byokey]\nstore = \"file\"");
        let issuer = Issuer::start().await;
        Self { home, issuer }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".local/share/byokey")
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Ended {
        let url = self.issuer.url();
        let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
        run(&self.home, arguments, &environment, input).await
    }

    async fn status(&self) -> (Option<i32>, Value) {
        let ended = self.run(&["status", "--json"], "").await;
        let report = serde_json::from_str(&ended.stdout).expect("one JSON object");
        (ended.code, report)
    }

    /// Puts a file into codex's folder.
    fn codex_file(&self, content: &Value) -> PathBuf {
        let path = self.home.codex_home().join("auth.json");
        #[expect(clippy::disallowed_methods, reason = "the test plays codex")]
        std::fs::write(&path, content.to_string()).unwrap();
        path
    }
}

fn codexs_login(token: &str) -> Value {
    json!({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": token, "access_token": token,
            "refresh_token": "rt-made-up-of-codex", "account_id": "account-ada",
        },
        "last_refresh": "2026-02-01T12:00:00Z",
    })
}

#[tokio::test]
async fn nothing_is_kept_unless_a_store_is_chosen() {
    let home = Home::new("cli_auth_credentials_store = \"file\"");
    let ended = run(&home, &["login", "--with-api-key"], &[], "sk-made-up").await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--store file"), "{}", ended.stderr);
    let files = std::fs::read_dir(home.path()).unwrap();
    assert_eq!(files.count(), 1, "codex's folder alone");
}

// Row: the file
#[tokio::test]
async fn an_api_key_comes_from_standard_input_and_is_never_shown() {
    let person = Person::new().await;
    assert_eq!(person.status().await.0, Some(1));
    let ended = person
        .run(&["login", "--with-api-key"], " sk-made-up-key\n")
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("Successfully logged in"));
    assert!(ended.stdout.is_empty());
    let file = person.folder().join("auth.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        auth_json(&person.folder()).unwrap(),
        json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up-key"})
    );
    let (code, report) = person.status().await;
    assert_eq!((code, &report["mode"]), (Some(0), &json!("apikey")));
    let told = person.run(&["status"], "").await;
    assert!(!format!("{told:?}{report}").contains("made-up-key"));

    let empty = person.run(&["login", "--with-api-key"], " \n").await;
    assert_eq!(empty.code, Some(1));
    assert!(empty.stderr.contains("No API key provided via stdin."));
    let out = person.run(&["logout"], "").await;
    assert_eq!(out.code, Some(0));
    assert!(out.stderr.contains("Successfully logged out"));
    assert!(!file.exists());
    let again = person.run(&["logout"], "").await;
    assert_eq!(again.code, Some(0));
    assert!(again.stderr.contains("Not logged in"));
}

#[tokio::test]
async fn an_access_token_is_checked_before_it_is_kept() {
    let person = Person::new().await;
    person.issuer.next(Ask::Whoami, 401, json!({}));
    let login = ["login", "--with-access-token"];
    let refused = person.run(&login, "at-made-up").await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("Error logging in with access token: ")
    );
    assert_eq!(auth_json(&person.folder()), None);
    assert_eq!(person.run(&login, "at-made-up").await.code, Some(0));
    assert_eq!(
        auth_json(&person.folder()).unwrap(),
        json!({"OPENAI_API_KEY": null, "personal_access_token": "at-made-up"}),
        "whose it is, is not kept"
    );
    let (code, report) = person.status().await;
    assert_eq!(
        (code, &report["mode"]),
        (Some(0), &json!("personalAccessToken"))
    );
}

// Codex: device_code_login_integration_succeeds
// Codex: device_code_login_integration_persists_without_api_key_on_exchange_failure: no such exchange is tried
#[tokio::test]
async fn a_login_on_another_device_is_kept_as_codex_keeps_it() {
    let person = Person::new().await;
    let ended = person.run(&["login", "--device-auth"], "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("CODE-12345"));
    assert!(ended.stderr.contains("/codex/device"));
    assert!(ended.stdout.is_empty());
    let kept = auth_json(&person.folder()).unwrap();
    assert_eq!(kept["auth_mode"], "chatgpt");
    assert_eq!(kept["OPENAI_API_KEY"], Value::Null);
    assert_eq!(kept["tokens"]["access_token"], access_token(1));
    assert_eq!(kept["tokens"]["refresh_token"], "rt-made-up-1");
    assert_eq!(kept["tokens"]["account_id"], "account-ada");
    assert!(kept["last_refresh"].as_str().unwrap().ends_with('Z'));
    let (code, report) = person.status().await;
    assert_eq!(code, Some(0));
    assert_eq!(report["status"], "signedIn");
    assert_eq!(report["email"], "ada@example.com");
    assert_eq!(report["planType"], "pro");
    assert_eq!(report["accountId"], "account-ada");
    assert_eq!(report["refresh"], "byokey");
    assert_eq!(report["store"], "file");

    let out = person.run(&["logout"], "").await;
    assert_eq!(out.code, Some(0));
    let revoked = person.issuer.asked(Ask::Revoke);
    assert_eq!(revoked[0].body["token"], "rt-made-up-1");
    person.run(&["login", "--device-auth"], "").await;
    person.run(&["logout", "--local"], "").await;
    assert_eq!(person.issuer.asked(Ask::Revoke).len(), 1);
}

#[tokio::test]
async fn without_a_screen_the_address_is_printed_at_once_and_the_last_page_can_be_pasted() {
    let _ports = LoginPorts::take().await;
    let person = Person::new().await;
    let url = person.issuer.url();
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let mut child = command(&person.home, &["login"], &environment)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("the address is told");
        if line.starts_with(&url) {
            break url::Url::parse(&line).unwrap();
        }
    };
    let (_, state) = address
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let wrong = "http://localhost:1455/auth/callback?code=made-up&state=wrong\n";
    stdin.write_all(wrong.as_bytes()).await.unwrap();
    let right = format!("http://localhost:1455/auth/callback?code=made-up&state={state}\n");
    stdin.write_all(right.as_bytes()).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
    assert_eq!(person.status().await.1["email"], "ada@example.com");
    assert!(!LoginPorts::is_open(1455));
}

/// Records what it is asked to open, and whether the callback's port is open.
const BROWSER: &str = "#!/bin/sh\nurl=$1\nport=${url#*localhost%3A}\nport=${port%%%2F*}\n\
                       grep -qi \":$(printf %04x \"$port\") 00000000:0000 0A\" /proc/net/tcp \
                       && echo open >>\"$HOME/opened\" || echo closed >>\"$HOME/opened\"\n";

// Row: callback 2
#[tokio::test]
async fn the_browser_is_opened_once_the_port_is_ours_and_not_without_one() {
    let _ports = LoginPorts::take().await;
    let person = Person::new().await;
    let browser = person.home.path().join("xdg-open");
    #[expect(clippy::disallowed_methods, reason = "the test plays the browser")]
    std::fs::write(&browser, BROWSER).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", person.home.path().display());
    let url = person.issuer.url();
    let environment = [
        ("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str()),
        ("DISPLAY", ":7"),
        ("PATH", path.as_str()),
    ];
    let opened = || std::fs::read_to_string(person.home.path().join("opened")).unwrap_or_default();

    let mut taken = Vec::new();
    for port in [1455, 1457] {
        taken.push(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap());
    }
    let refused = run(&person.home, &["login"], &environment, "").await;
    assert_eq!(refused.code, Some(1));
    let told = "Error logging in: failed to start login server: Port 127.0.0.1:1457 is already";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert_eq!(opened(), "");
    drop(taken);

    let mut login = command(&person.home, &["login"], &environment)
        .spawn()
        .unwrap();
    let opening = async {
        while opened().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, opening).await.unwrap();
    assert_eq!(opened(), "open\n");
    login.kill().await.unwrap();
}

// Row: the command line
#[tokio::test]
async fn the_login_of_codex_is_taken_without_touching_it() {
    let person = Person::new().await;
    let token = access_token(7);
    let file = person.codex_file(&codexs_login(&token));
    let before = (
        std::fs::read(&file).unwrap(),
        std::fs::metadata(&file).unwrap().modified().unwrap(),
    );
    let ended = person.run(&["import-codex"], "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("codex stays signed in"),
        "{}",
        ended.stderr
    );
    let kept = auth_json(&person.folder()).unwrap();
    assert_eq!(kept["tokens"]["access_token"], token);
    assert_eq!(kept["tokens"]["refresh_token"], "");
    assert_eq!(person.status().await.1["refresh"], "nobody");

    let ended = person
        .run(&["import-codex", "--take-refresh-token"], "")
        .await;
    assert!(ended.stderr.contains("signs the other out"));
    let kept = auth_json(&person.folder()).unwrap();
    assert_eq!(kept["tokens"]["refresh_token"], "rt-made-up-of-codex");
    let after = (
        std::fs::read(&file).unwrap(),
        std::fs::metadata(&file).unwrap().modified().unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(
        std::fs::read_dir(person.home.codex_home()).unwrap().count(),
        2
    );
    // The second import replaced codex's own login.
    person.run(&["import-codex"], "").await;
    // And this program does not revoke a login that it took over from codex.
    assert_eq!(person.run(&["logout"], "").await.code, Some(0));
    assert!(auth_json(&person.folder()).is_none());
    assert!(person.issuer.asked(Ask::Revoke).is_empty());
}

#[tokio::test]
async fn what_is_no_login_of_codex_is_refused_with_the_command_that_works() {
    let person = Person::new().await;
    let import = ["import-codex"];
    let refused = person.run(&import, "").await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("codex login"));
    let here = "`byokey login --store file`";
    assert!(refused.stderr.contains(here), "{}", refused.stderr);
    for (content, command) in [
        (
            json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-CANARY"}),
            "| byokey login --store file --with-api-key",
        ),
        (
            json!({"OPENAI_API_KEY": null, "personal_access_token": "at-CANARY"}),
            "| byokey login --store file --with-access-token",
        ),
        (json!({"tokens": null}), "codex login"),
        (json!(["CANARY"]), "codex login"),
        (codexs_login("CANARY"), "tokens that cannot be read"),
    ] {
        person.codex_file(&content);
        let refused = person.run(&import, "").await;
        assert_eq!(refused.code, Some(2), "{content}");
        assert!(refused.stderr.contains(command), "{}", refused.stderr);
        assert!(!refused.stderr.contains("CANARY"));
        assert_eq!(auth_json(&person.folder()), None);
    }
}

// Row: the command line
#[tokio::test]
async fn an_expired_token_without_renewal_is_no_login() {
    let person = Person::new().await;
    let token = TestToken {
        expires_at: 1,
        ..TestToken::new("ada")
    };
    let mut expired = codexs_login(&token.encode());
    person.codex_file(&expired);
    expired["tokens"]["refresh_token"] = "".into();
    std::fs::create_dir_all(person.folder()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test plays an earlier run")]
    std::fs::write(person.folder().join("auth.json"), expired.to_string()).unwrap();
    let (code, report) = person.status().await;
    assert_eq!((code, &report["status"]), (Some(3), &json!("expired")));
    person
        .run(&["import-codex", "--take-refresh-token"], "")
        .await;
    let (code, report) = person.status().await;
    assert_eq!((code, &report["status"]), (Some(0), &json!("signedIn")));
}

// Row: the file
#[tokio::test]
async fn a_broken_or_foreign_file_is_reported_and_left_unchanged() {
    let person = Person::new().await;
    person.run(&["login", "--with-api-key"], "sk-made-up").await;
    let file = person.folder().join("auth.json");
    for content in [
        "{ broken CANARY",
        r#"{"auth_mode":"agentIdentity","agent_identity":"CANARY"}"#,
    ] {
        #[expect(clippy::disallowed_methods, reason = "the test plays another program")]
        std::fs::write(&file, content).unwrap();
        for arguments in [&["status"][..], &["login", "--with-api-key"]] {
            let refused = person.run(arguments, "sk-new").await;
            assert_ne!(refused.code, Some(0));
            assert!(
                refused.stderr.contains("left unchanged"),
                "{}",
                refused.stderr
            );
            assert!(!refused.stderr.contains("CANARY"));
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
}

/// A claim that would move the cursor, change colours or turn the direction of the text around is
/// shown as codes.
#[tokio::test]
async fn status_shows_no_control_characters_of_claims() {
    let person = Person::new().await;
    let email = "ada\u{1b}]0;owned\u{7}\u{1b}[2J\r\n\u{9b}31m\u{202e}moc.elpmaxe@eve";
    let token = byokey_dev_backend::unsigned(
        &json!({
            "email": email, "exp": 4_102_444_800_i64,
            "https://api.openai.com/auth": {"chatgpt_plan_type": "plus"},
        }),
        "made-up",
    );
    let mut login = codexs_login(&token);
    login["tokens"]
        .as_object_mut()
        .unwrap()
        .remove("account_id");
    std::fs::create_dir_all(person.folder()).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test plays an earlier program"
    )]
    std::fs::write(person.folder().join("auth.json"), login.to_string()).unwrap();
    let ended = person.run(&["status"], "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = ended.stderr.lines().find(|line| line.contains("email:"));
    let line = line.unwrap();
    assert!(line.contains(r"ada\u{1b}]0;owned\u{7}"), "{line}");
    let is_odd = |it: char| it != '\n' && (it.is_control() || it == '\u{202e}');
    assert!(!ended.stderr.contains(is_odd), "{:?}", ended.stderr);
    // Programs get JSON, which escapes what it has to.
    let ended = person.run(&["status", "--json"], "").await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["email"], email);
    assert!(!ended.stdout.contains('\u{1b}'));
}
