//! Reads of the account queue behind earlier logins and logouts, and no other request does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

/// How long to wait for an unexpected message. It would arrive within a few milliseconds.
const QUIET: Duration = Duration::from_millis(300);

async fn start(issuer: &Issuer, setup: Setup) -> (Server, Host) {
    let mut server = issuer.set_up(setup).start();
    let host = Host::initialized(&mut server).await;
    (server, host)
}

/// Starts a login that needs the issuer.
async fn begin_login(host: &mut Host) -> i64 {
    let token = "at-made-up-personal-access-token";
    let params = json!({"type": "personalAccessToken", "accessToken": token});
    host.start("account/login/start", params).await
}

/// Returns the next messages: the ids of responses, the methods of notifications.
async fn next(host: &mut Host, count: usize) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let mut message = host.next().await.unwrap();
        let name = if message["method"].is_null() {
            "id"
        } else {
            "method"
        };
        seen.push(message[name].take());
    }
    seen
}

// Row: the order of logins
#[tokio::test]
async fn a_read_is_answered_behind_the_login_that_was_sent_before_it() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    let gate = issuer.hold(Ask::Whoami);
    let login = begin_login(&mut host).await;
    let read = host.start("account/read", json!({})).await;
    let status = host.start("getAuthStatus", json!({})).await;
    issuer.wait_for(Ask::Whoami, 1).await;
    assert_eq!(host.quiet_for(QUIET).await, Vec::<Value>::new());
    gate.add_permits(1);
    let seen = next(&mut host, 3).await;
    assert_eq!(
        seen,
        [
            json!(login),
            json!("account/login/completed"),
            json!("account/updated"),
        ]
    );
    let read = host.answer(read).await.unwrap();
    assert_eq!(read["account"]["email"], "ada@example.com");
    let status = host.answer(status).await.unwrap();
    assert_eq!(status["authMethod"], "personalAccessToken");
}

#[tokio::test]
async fn a_read_behind_a_login_that_fails_is_answered_all_the_same() {
    let issuer = Issuer::start().await;
    issuer.next(Ask::Whoami, 401, json!({}));
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    let gate = issuer.hold(Ask::Whoami);
    let login = begin_login(&mut host).await;
    let read = host.start("account/read", json!({})).await;
    gate.add_permits(1);
    assert_eq!(next(&mut host, 2).await, [json!(login), json!(read)]);

    let login = begin_login(&mut host).await;
    let read = host.start("account/read", json!({})).await;
    issuer.wait_for(Ask::Whoami, 2).await;
    let cancel = json!({"method": "$/cancelRequest", "params": {"id": login}});
    host.send(&cancel).await;
    assert_eq!(next(&mut host, 2).await, [json!(login), json!(read)]);
}

#[tokio::test]
async fn a_slow_login_holds_up_neither_logouts_nor_cancels_nor_logins_nor_refreshes() {
    let issuer = Issuer::start().await;
    let backend = DevBackend::start(Options::new()).unwrap();
    let (_server, mut host) = start(&issuer, Setup::default().backend(&backend)).await;
    let gate = issuer.hold(Ask::Whoami);

    let slow = begin_login(&mut host).await;
    issuer.wait_for(Ask::Whoami, 1).await;
    let waiting = host.start("account/read", json!({})).await;
    let nobody = json!({"loginId": "00000000-0000-4000-8000-000000000000"});
    let cancelled = host.request("account/login/cancel", nobody).await;
    assert_eq!(cancelled.unwrap()["status"], "notFound");
    let limits = host.request("account/rateLimits/read", json!({})).await;
    assert_eq!(limits.unwrap_err().kind(), "authRequired");
    let (old, new) = (TestToken::new("old").encode(), TestToken::new("new"));
    backend.reject_bearer(&old);
    host.login(&old, "ws-1").await;
    // The slow login is superseded, so no read waits for it any more.
    let read = host.answer(waiting).await.unwrap();
    assert_eq!(read["account"]["email"], "old@example.com");
    let usage = host.start("account/usage/read", json!({})).await;
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    let tokens = json!({"accessToken": new.encode(), "chatgptAccountId": "ws-1"});
    host.respond(&id, tokens).await;
    host.answer(usage).await.unwrap();
    host.request("account/logout", json!({})).await.unwrap();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], Value::Null);

    gate.add_permits(1);
    host.answer(slow).await.unwrap_err();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], Value::Null);
}

// Row: the order of logins
#[tokio::test]
async fn a_read_is_answered_behind_what_waits_for_the_store() {
    let issuer = Issuer::start().await;
    let setup = Setup::default().environment("BYOKEY_STORE", "file");
    let (server, mut host) = start(&issuer, setup).await;
    let folder = server.home.path().join(".local/share/byokey");
    let login = json!({"type": "apiKey", "apiKey": "sk-made-up-key"});
    host.request("account/login/start", login.clone())
        .await
        .unwrap();

    // Another process holds the store's lock.
    let lock = File::options().write(true).open(folder.join("auth.lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    host.quiet_for(QUIET).await;
    let logout = host.start("account/logout", json!({})).await;
    let read = host.start("account/read", json!({})).await;
    assert_eq!(host.quiet_for(QUIET).await, Vec::<Value>::new());
    lock.unlock().unwrap();
    let seen = next(&mut host, 3).await;
    assert_eq!(seen, [json!(logout), json!("account/updated"), json!(read)]);
    assert!(!folder.join("auth.json").exists());

    lock.lock().unwrap();
    let login = host.start("account/login/start", login).await;
    let read = host.start("account/read", json!({})).await;
    assert_eq!(host.quiet_for(QUIET).await, Vec::<Value>::new());
    lock.unlock().unwrap();
    host.answer(login).await.unwrap();
    let read = host.answer(read).await.unwrap();
    assert_eq!(read["account"], json!({"type": "apiKey"}));
}

#[tokio::test]
async fn a_logout_and_a_login_with_tokens_need_no_place_among_pending_logins() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    let _gate = issuer.hold(Ask::Whoami);
    for _ in 0..16 {
        begin_login(&mut host).await;
    }
    let one_more = begin_login(&mut host).await;
    let refused = host.answer(one_more).await.unwrap_err();
    assert_eq!(refused.kind(), "overloaded");
    host.request("account/logout", json!({})).await.unwrap();
    // The pending ones hold their places until the issuer answers.
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
}

// Row: the order of logins
#[tokio::test]
async fn a_login_right_after_a_logout_is_kept() {
    let issuer = Issuer::start().await;
    let setup = Setup::default().environment("BYOKEY_STORE", "file");
    let (server, mut host) = start(&issuer, setup).await;
    let stored = server.home.path().join(".local/share/byokey/auth.json");
    let key = |key: &str| json!({"type": "apiKey", "apiKey": key});
    let first = key("sk-made-up-old-key");
    host.request("account/login/start", first).await.unwrap();
    host.quiet_for(QUIET).await;
    let logout = host.start("account/logout", json!({})).await;
    let login = host.start("account/login/start", key("sk-made-up-new-key"));
    let login = login.await;
    let read = host.start("account/read", json!({})).await;
    let mut updates = Vec::new();
    let read = loop {
        let message = host.next().await.unwrap();
        if message["method"] == "account/updated" {
            updates.push(message["params"]["authMode"].clone());
        } else if message["id"] == json!(read) {
            break message;
        } else if message["id"] == json!(logout) || message["id"] == json!(login) {
            assert!(message["error"].is_null(), "{message}");
        }
    };
    assert_eq!(read["result"]["account"], json!({"type": "apiKey"}));
    assert_eq!(updates, [Value::Null, json!("apikey")]);
    let later = host.quiet_for(QUIET).await;
    assert_eq!(later, Vec::<Value>::new());
    let stored = std::fs::read_to_string(stored).unwrap();
    assert!(stored.contains("sk-made-up-new-key"));
}

// Row: the order of logins
#[tokio::test]
async fn a_login_that_is_faster_than_the_logout_before_it_is_kept() {
    let issuer = Issuer::start().await;
    let gate = issuer.hold(Ask::Whoami);
    let setup = Setup::default()
        .environment("BYOKEY_STORE", "file")
        .environment("CODEX_ACCESS_TOKEN", "at-made-up-personal-access-token");
    let (server, mut host) = start(&issuer, setup).await;
    let stored = server.home.path().join(".local/share/byokey/auth.json");
    issuer.wait_for(Ask::Whoami, 1).await;
    // The logout clears the store after the start, which waits for the issuer.
    let logout = host.start("account/logout", json!({})).await;
    let login = json!({"type": "apiKey", "apiKey": "sk-made-up-key"});
    let login = host.request("account/login/start", login).await;
    login.unwrap();
    gate.add_permits(1);
    host.answer(logout).await.unwrap();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], json!({"type": "apiKey"}));
    let mut updates = host.quiet_for(QUIET).await;
    updates.retain(|message| message["method"] == "account/updated");
    let modes: Vec<_> = updates
        .iter()
        .map(|update| &update["params"]["authMode"])
        .collect();
    assert_eq!(modes, ["apikey"]);
    assert!(stored.exists());
}

// Row: the order of logins
#[tokio::test]
async fn a_logout_removes_the_stored_login_although_a_bearer_token_overtakes_it() {
    let issuer = Issuer::start().await;
    let gate = issuer.hold(Ask::Whoami);
    let mut setup = Setup::default()
        .environment("BYOKEY_STORE", "file")
        .environment("CODEX_ACCESS_TOKEN", "at-made-up-personal-access-token");
    for setting in [
        "model_provider=mine",
        "model_providers.mine.name=Mine",
        "model_providers.mine.base_url=http://127.0.0.1:9/v1",
    ] {
        setup = setup.argument("-c").argument(setting);
    }
    let (server, mut host) = start(&issuer, setup).await;
    let stored = server.home.path().join(".local/share/byokey/auth.json");
    std::fs::create_dir_all(stored.parent().unwrap()).unwrap();
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    drop(options.open(&stored).unwrap());
    issuer.wait_for(Ask::Whoami, 1).await;
    // The logout clears the store after the start, which waits for the issuer.
    let logout = host.start("account/logout", json!({})).await;
    let login = json!({"type": "bearerToken", "token": "made-up-bearer",
        "origin": "http://127.0.0.1:9"});
    let login = host.request("account/login/start", login).await;
    login.unwrap();
    gate.add_permits(1);
    host.answer(logout).await.unwrap();
    assert!(!stored.exists());
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["type"], "bearerToken", "{read}");
    // That the start was overtaken is not reported as a problem.
    let mut warnings = host.quiet_for(QUIET).await;
    warnings.retain(|message| message["method"] == "warning");
    assert_eq!(warnings, Vec::<Value>::new());
}

// Row: the order of logins
#[tokio::test]
async fn a_login_that_was_overtaken_while_it_was_saved_is_not_kept() {
    let issuer = Issuer::start().await;
    let setup = Setup::default().environment("BYOKEY_STORE", "file");
    let (server, mut host) = start(&issuer, setup).await;
    let folder = server.home.path().join(".local/share/byokey");
    std::fs::create_dir_all(&folder).unwrap();
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    let lock = options.open(folder.join("auth.lock")).unwrap();
    lock.lock().unwrap();
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up-key"});
    let overtaken = host.start("account/login/start", key).await;
    assert_eq!(host.quiet_for(QUIET).await, Vec::<Value>::new());
    host.login(&TestToken::new("host").encode(), "ws-1").await;
    lock.unlock().unwrap();
    let refused = host.answer(overtaken).await.unwrap_err();
    assert_eq!(refused.kind(), "externalAuthActive");
    assert!(!folder.join("auth.json").exists());
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "host@example.com");
}
