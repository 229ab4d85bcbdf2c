//! How logins in the browser end, and what remains of them.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use byokey_tests::Setup;
use byokey_tests::command::auth_json;
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::ports::LoginPorts;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{Scene, assert_closed, query, say, status};

// Codex: end_to_end_login_flow_persists_auth_json
// Codex: creates_missing_codex_home_dir
#[tokio::test]
async fn a_login_is_kept_as_codex_keeps_it_in_a_folder_that_is_made() {
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("made/for/this");
    let setup = Setup::default()
        .environment("BYOKEY_STORE", "file")
        .environment("BYOKEY_HOME", folder.to_str().unwrap());
    let mut scene = Scene::start(setup).await;
    let login = scene.begin().await;
    assert_eq!(auth_json(&folder), None);
    login.get(&login.back()).await;
    login.get("/success").await;
    assert_eq!(scene.completed().await["success"], true);
    let mut kept = auth_json(&folder).unwrap();
    let obtained = kept["last_refresh"].take();
    assert!(obtained.as_str().unwrap().ends_with('Z'), "{obtained}");
    let id_token = kept["tokens"]["id_token"].take();
    assert_eq!(id_token.as_str().unwrap().split('.').count(), 3);
    assert_eq!(
        kept,
        json!({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": null, "last_refresh": null,
            "tokens": {
                "id_token": null, "access_token": access_token(1),
                "refresh_token": "rt-made-up-1", "account_id": "account-ada",
            },
        })
    );
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.join("auth.json")), 0o600);
    assert_eq!(mode(folder), 0o700);
}

// Codex: login_account_chatgpt_start_can_be_cancelled
// Row: callback 10
// Row: callback 11
#[tokio::test]
async fn a_login_can_be_cancelled_while_it_waits() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let redirect = query(&login.url, "redirect_uri").unwrap();
    assert_eq!(redirect, "http://localhost:1455/auth/callback");
    assert_eq!(scene.cancel(&login).await, "canceled");
    let completed = scene.completed().await;
    let error = "Login server error: Login was not completed";
    assert_eq!(
        completed,
        json!({"loginId": login.id, "success": false, "error": error})
    );
    assert_closed(login.port).await;
    let seen = scene.host.quiet_for(Duration::from_millis(200)).await;
    assert_eq!(seen, Vec::<Value>::new(), "nobody changed");
    assert_eq!(scene.cancel(&login).await, "notFound");
    assert_eq!(scene.account().await, Value::Null);
}

// Codex: login_account_chatgpt_uses_debug_oauth_overrides
#[tokio::test]
async fn issuer_and_client_come_from_the_environment() {
    let setup = Setup::default().environment("CODEX_APP_SERVER_LOGIN_CLIENT_ID", "made-up-client");
    let mut scene = Scene::start(setup).await;
    let login = scene.begin().await;
    let base = format!("{}/oauth/authorize?", scene.issuer.url());
    assert!(login.url.as_str().starts_with(&base), "{}", login.url);
    let client = query(&login.url, "client_id");
    assert_eq!(client.as_deref(), Some("made-up-client"));
    login.get(&login.back()).await;
    let traded = &scene.issuer.asked(Ask::Code)[0].body;
    assert_eq!(traded["client_id"], "made-up-client");
}

// Row: callback 10
#[tokio::test]
async fn a_browser_that_goes_away_during_the_exchange_does_not_end_the_login() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let gate = scene.issuer.hold(Ask::Code);
    let mut browser = TcpStream::connect(("127.0.0.1", login.port)).await.unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
        login.back(),
        login.port
    );
    browser.write_all(request.as_bytes()).await.unwrap();
    scene.issuer.wait_for(Ask::Code, 1).await;
    drop(browser);
    gate.add_permits(1);
    assert_eq!(scene.completed().await["success"], true);
    assert_closed(login.port).await;
    assert_eq!(scene.account().await["email"], "ada@example.com");
}

// Row: callback 11
#[tokio::test]
async fn a_program_that_asks_for_the_port_ends_the_login_and_has_it() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let cancel = "GET /cancel HTTP/1.1\r\nHost: 127.0.0.1:1455\r\n\r\n";
    let answer = say(login.port, cancel).await;
    assert_eq!(status(&answer), "200", "{answer}");
    let completed = scene.completed().await;
    assert_eq!(completed["error"], "Login server error: Login cancelled");
    assert_closed(login.port).await;
}

// Row: callback 11
#[tokio::test]
async fn the_port_is_closed_with_the_program() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    assert!(LoginPorts::is_open(login.port));
    scene.host.close_input();
    assert_eq!(scene.server.exit_code().await, Some(0));
    assert!(!LoginPorts::is_open(login.port));
}

// Row: callback 2
#[tokio::test]
async fn a_login_that_gets_no_port_leaves_nothing_behind() {
    let mut scene = Scene::start(Setup::default()).await;
    let first = scene.begin().await;
    assert_eq!(scene.cancel(&first).await, "canceled");
    scene.completed().await;
    let mut taken = Vec::new();
    for port in [1455, 1457] {
        taken.push(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    }
    let params = json!({"type": "chatgpt"});
    let refused = scene.host.request("account/login/start", params).await;
    assert_eq!(refused.unwrap_err().kind(), "portUnavailable");
    let seen = scene.host.quiet_for(Duration::from_millis(200)).await;
    assert_eq!(seen, Vec::<Value>::new(), "no login began, so none ended");
    drop(taken);
    let next = scene.begin().await;
    assert_eq!(next.port, 1455);
    login_works(&mut scene, &next).await;
}

async fn login_works(scene: &mut Scene, login: &crate::scene::Login) {
    login.get(&login.back()).await;
    login.get("/success").await;
    assert_eq!(scene.completed().await["success"], true);
}
