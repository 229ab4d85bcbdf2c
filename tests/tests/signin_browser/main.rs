//! Logins in the browser, with the test as the browser.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "a skipped check tells why")]

mod crowd;
mod ends;
mod scene;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_tests::command::auth_json;
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Host, Setup};
use scene::{Scene, assert_closed, get, query, say, status};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

// Row: PKCE (RFC 7636)
// Row: callback 11
#[tokio::test]
async fn the_browser_comes_back_and_the_user_is_signed_in() {
    let mut scene = Scene::start(Setup::default()).await;
    assert!(!LoginPorts::is_open(1455), "nothing listens before a login");
    let login = scene.begin().await;
    assert_eq!(login.port, 1455);
    let base = format!("{}/oauth/authorize", scene.issuer.url());
    assert!(login.url.as_str().starts_with(&base));
    let names: Vec<_> = login
        .url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "code_challenge",
            "code_challenge_method",
            "id_token_add_organizations",
            "codex_cli_simplified_flow",
            "state",
            "originator",
        ]
    );
    assert!(
        login
            .url
            .as_str()
            .contains("scope=openid%20profile%20email%20offline_access%20api.connectors.read%20")
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app_EMoamEEZ73f0CkXaXp7hrann"),
        ("redirect_uri", "http://localhost:1455/auth/callback"),
        ("code_challenge_method", "S256"),
        ("id_token_add_organizations", "true"),
        ("codex_cli_simplified_flow", "true"),
        ("originator", "test-host"),
    ] {
        assert_eq!(query(&login.url, name).as_deref(), Some(value));
    }

    let answer = login.get(&login.back()).await;
    assert_eq!(status(&answer), "303", "{answer}");
    assert!(answer.contains("\r\nlocation: /success\r\n"), "{answer}");
    assert!(answer.contains("\r\nreferrer-policy: no-referrer\r\n"));
    assert!(answer.contains("\r\ncache-control: no-store\r\n"));
    let page = login.get("/success").await;
    assert!(page.contains("You are signed in"), "{page}");
    let completed = scene.completed().await;
    assert_eq!(
        completed,
        json!({"loginId": login.id, "success": true, "error": null})
    );
    assert_closed(1455).await;
    let updated = scene.host.notification("account/updated").await;
    assert_eq!(updated["authMode"], "chatgpt");
    assert_eq!(updated["planType"], "pro");
    assert_eq!(
        scene.account().await,
        json!({"type": "chatgpt", "email": "ada@example.com", "planType": "pro"})
    );
    let ask = json!({"includeToken": true});
    let told = scene.host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(told["authToken"], access_token(1));

    let traded = scene.issuer.asked(Ask::Code);
    assert_eq!(traded.len(), 1, "no API key is asked for");
    let traded = &traded[0].body;
    assert_eq!(traded["grant_type"], "authorization_code");
    assert_eq!(traded["code"], "code-made-up");
    assert_eq!(
        traded["redirect_uri"],
        "http://localhost:1455/auth/callback"
    );
    let verifier = traded["code_verifier"].as_str().unwrap();
    assert_eq!(verifier.len(), 86);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    assert_eq!(query(&login.url, "code_challenge"), Some(challenge));
    let log = scene.server.log();
    for secret in [verifier, &login.state, "code-made-up", "rt-made-up"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

// Row: callback 4
// Row: callback 5
// Row: callback 6
// Row: callback 9
#[tokio::test]
async fn strangers_and_garbage_neither_end_a_login_nor_hold_it_up() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let port = login.port;
    // Silent connections, which browsers open in advance.
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let good = login.back();
    let host = format!("Host: localhost:{port}\r\n");
    let huge = format!(
        "GET / HTTP/1.1\r\n{host}x: {}\r\n\r\n",
        "x".repeat(64 * 1024)
    );
    for (expected, request) in [
        ("404", format!("GET /favicon.ico HTTP/1.1\r\n{host}\r\n")),
        (
            "400",
            format!("GET /auth/callback?code=x&state=wrong HTTP/1.1\r\n{host}\r\n"),
        ),
        (
            "400",
            format!("GET /auth/callback?error=access_denied HTTP/1.1\r\n{host}\r\n"),
        ),
        ("400", format!("GET {good}&code=y HTTP/1.1\r\n{host}\r\n")),
        (
            "403",
            format!("GET {good} HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
        ),
        (
            "403",
            format!("GET {good} HTTP/1.1\r\n{host}Origin: http://evil.example\r\n\r\n"),
        ),
        (
            "405",
            format!("POST {good} HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"),
        ),
        ("405", format!("HEAD {good} HTTP/1.1\r\n{host}\r\n")),
        ("405", format!("OPTIONS {good} HTTP/1.1\r\n{host}\r\n")),
        (
            "403",
            format!("GET /cancel HTTP/1.1\r\n{host}Sec-Fetch-Site: cross-site\r\n\r\n"),
        ),
        ("404", format!("GET /success HTTP/1.1\r\n{host}\r\n")),
        ("431", huge),
        ("400", "nonsense\r\n\r\n".to_owned()),
    ] {
        let answer = say(port, &request).await;
        assert_eq!(status(&answer), expected, "{request}");
        assert!(!answer.to_lowercase().contains("access-control"));
    }
    let page = login.get("/auth/callback?code=x&state=wrong").await;
    assert!(page.ends_with("State mismatch"));
    assert!(scene.issuer.asked(Ask::Code).is_empty());
    // The request head in two pieces.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (first, second) = good.split_at(20);
    stream
        .write_all(format!("GET {first}").as_bytes())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let rest = format!("{second} HTTP/1.1\r\n{host}\r\n");
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 303");
    login.get("/success").await;
    assert_eq!(scene.completed().await["success"], true);
    assert_closed(port).await;
}

// Row: callback 4
#[tokio::test]
async fn both_families_are_ours_and_a_silent_connection_ends_after_five_seconds() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let Ok(_) = TcpListener::bind("[::1]:0").await else {
        println!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let since = Instant::now();
    let mut stream = TcpStream::connect(("::1", login.port)).await.unwrap();
    let mut rest = Vec::new();
    let closed = stream.read_to_end(&mut rest);
    tokio::time::timeout(Duration::from_secs(8), closed)
        .await
        .expect("the connection is closed")
        .ok();
    assert!(since.elapsed() > Duration::from_secs(4));
    assert_eq!(scene.cancel(&login).await, "canceled");
    scene.completed().await;
    assert_closed(login.port).await;
}

// Codex: oauth_access_denied_missing_entitlement_blocks_login_with_clear_error
// Codex: oauth_access_denied_unknown_reason_uses_generic_error_page
// Row: callback 7
// Row: callback 11
#[tokio::test]
async fn the_issuers_refusal_is_shown_escaped_and_reported_without_its_text() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let target = format!(
        "/auth/callback?error=access_denied&error_description=%3Cscript%3ECANARY&state={}",
        login.state
    );
    let page = login.get(&target).await;
    assert_eq!(status(&page), "200");
    assert!(page.contains("Sign-in could not be completed"));
    assert!(page.contains("&lt;script&gt;CANARY") && !page.contains("<script>"));
    let completed = scene.completed().await;
    assert_eq!(
        completed["error"],
        "Login server error: Sign-in failed: access_denied"
    );
    assert_closed(login.port).await;

    let login = scene.begin().await;
    let target = format!(
        "/auth/callback?error=access_denied&error_description=missing_codex_entitlement&state={}",
        login.state
    );
    let page = login.get(&target).await;
    assert!(page.contains("You do not have access to Codex"));
    let error = scene.completed().await["error"].take();
    assert!(
        error
            .as_str()
            .unwrap()
            .contains("Codex is not enabled for your workspace.")
    );

    let login = scene.begin().await;
    let page = login
        .get(&format!("/auth/callback?state={}", login.state))
        .await;
    assert!(page.contains("Missing authorization code. Sign-in could not be completed."));
    assert_eq!(scene.completed().await["success"], false);
    assert_closed(login.port).await;
    assert_eq!(scene.account().await, Value::Null);
}

// Row: callback 6
// Row: callback 8
#[tokio::test]
async fn success_is_shown_only_after_the_exchange_and_a_code_counts_once() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let gate = scene.issuer.hold(Ask::Code);
    let (port, good) = (login.port, login.back());
    let first = tokio::spawn({
        let good = good.clone();
        async move { get(port, &good).await }
    });
    scene.issuer.wait_for(Ask::Code, 1).await;
    assert_eq!(status(&login.get("/success").await), "404");
    assert!(!first.is_finished());
    let second = tokio::spawn(async move { get(port, &good).await });
    gate.add_permits(1);
    assert_eq!(status(&first.await.unwrap()), "303");
    login.get("/success").await;
    assert_eq!(scene.completed().await["success"], true);
    let second = second.await.unwrap();
    assert_ne!(status(&second), "303", "{second}");
    assert_eq!(scene.issuer.asked(Ask::Code).len(), 1);
}

// Row: callback 11
#[tokio::test]
async fn a_failed_exchange_names_the_status_and_fails_the_login() {
    let mut scene = Scene::start(Setup::default()).await;
    scene.issuer.next(Ask::Code, 500, json!("CANARY"));
    let login = scene.begin().await;
    let page = login.get(&login.back()).await;
    let text = "Token exchange failed: token endpoint returned status 500 Internal Server Error";
    assert!(page.contains(text), "{page}");
    let completed = scene.completed().await;
    assert_eq!(completed["error"], format!("Login server error: {text}"));
    assert!(!page.contains("CANARY") && !scene.server.log().contains("CANARY"));
    assert_eq!(scene.account().await, Value::Null);
    assert_closed(login.port).await;
}

// Row: workspaces that are allowed
// Codex: login_account_chatgpt_includes_forced_workspace_query_param
// Codex: login_account_chatgpt_includes_forced_workspace_allowlist_query_param
// Codex: login_server_includes_forced_workspaces_as_one_query_param
// Codex: forced_chatgpt_workspace_id_mismatch_blocks_login
// Row: callback 11
#[tokio::test]
async fn workspaces_are_asked_for_and_checked() {
    for (forced, asked, told) in [
        ("\"ws-forced\"", "ws-forced", "ws-forced"),
        ("[\"ws-a\", \"ws-b\"]", "ws-a,ws-b", "ws-a, ws-b"),
    ] {
        let kept = tempfile::tempdir().unwrap();
        let setup = Setup::default()
            .config(&format!("forced_chatgpt_workspace_id = {forced}"))
            .environment("BYOKEY_STORE", "file")
            .environment("BYOKEY_HOME", kept.path().to_str().unwrap());
        let mut scene = Scene::start(setup).await;
        let login = scene.begin().await;
        let named: Vec<_> = login.url.query_pairs().collect();
        let named = named.iter().filter(|it| it.0 == "allowed_workspace_id");
        assert_eq!(named.map(|it| &*it.1).collect::<Vec<_>>(), [asked]);
        let page = login.get(&login.back()).await;
        let refusal = format!("Login is restricted to workspace id(s) {told}.");
        assert!(page.contains(&refusal), "{page}");
        assert_eq!(scene.completed().await["success"], false);
        assert_closed(login.port).await;
        assert_eq!(scene.account().await, Value::Null);
        assert_eq!(auth_json(kept.path()), None);
    }
}

// Row: callback 3
#[tokio::test]
async fn a_second_start_takes_the_place_of_the_first_and_a_cancel_closes_the_port() {
    let mut scene = Scene::start(Setup::default()).await;
    let first = scene.begin().await;
    let second = scene.begin().await;
    assert_eq!(second.port, first.port);
    let completed = scene.completed().await;
    assert_eq!(completed["loginId"], first.id);
    assert_eq!(
        completed["error"],
        "Login server error: Login was not completed"
    );
    assert_eq!(scene.cancel(&first).await, "notFound");
    assert_eq!(status(&second.get(&first.back()).await), "400");
    assert_eq!(scene.cancel(&second).await, "canceled");
    assert_eq!(scene.completed().await["loginId"], second.id);
    assert_closed(second.port).await;
    let bad = json!({"loginId": "no-uuid"});
    let refused = scene.host.request("account/login/cancel", bad).await;
    assert_eq!(refused.unwrap_err().message, "invalid login id: no-uuid");
}

// Codex: set_auth_token_cancels_active_chatgpt_login
// Row: callback 11
#[tokio::test]
async fn a_login_of_another_kind_and_a_logout_end_a_browser_login() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let token = byokey_dev_backend::TestToken::new("host").encode();
    let params = json!({
        "type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1",
    });
    scene
        .host
        .request("account/login/start", params)
        .await
        .unwrap();
    assert_eq!(scene.cancel(&login).await, "notFound");
    let failed = scene.completed().await;
    assert_eq!(failed["loginId"], login.id, "{failed}");
    assert_eq!(failed["success"], false);
    let completed = scene.completed().await;
    assert_eq!(
        completed,
        json!({"loginId": null, "success": true, "error": null})
    );
    assert_closed(login.port).await;
    let refused = scene
        .host
        .request("account/login/start", json!({"type": "chatgpt"}));
    assert_eq!(refused.await.unwrap_err().kind(), "externalAuthActive");

    scene
        .host
        .request("account/logout", json!({}))
        .await
        .unwrap();
    let login = scene.begin().await;
    scene
        .host
        .request("account/logout", json!({}))
        .await
        .unwrap();
    assert_eq!(scene.completed().await["loginId"], login.id);
    assert_closed(login.port).await;
}

// Codex: falls_back_to_registered_fallback_port_when_default_port_is_in_use
// Row: callback 1
#[tokio::test]
async fn an_earlier_login_server_is_asked_to_stop_then_the_other_port_is_taken() {
    let mut scene = Scene::start(Setup::default()).await;
    let stubborn = TcpListener::bind("127.0.0.1:1455").await.unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = stubborn.accept().await.unwrap();
        let mut head = vec![0; 11];
        stream.read_exact(&mut head).await.unwrap();
        (stubborn, head)
    });
    let login = scene.begin().await;
    assert_eq!(login.port, 1457);
    let (stubborn, head) = asked.await.unwrap();
    assert_eq!(head, b"GET /cancel");
    let other = TcpListener::bind("[::1]:1458").await.is_ok();
    assert_eq!(scene.cancel(&login).await, "canceled");
    scene.completed().await;
    let taken = TcpListener::bind("127.0.0.1:1457").await.unwrap();
    let refused = scene
        .host
        .request("account/login/start", json!({"type": "chatgpt"}));
    let refused = refused.await.unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32603, "portUnavailable"));
    assert_eq!(
        refused.message,
        "failed to start login server: Port 127.0.0.1:1457 is already in use"
    );
    drop((stubborn, taken, other));
}

// Codex: cancels_previous_login_server_when_port_is_in_use
// Row: callback 1
#[tokio::test]
async fn two_programs_of_this_kind_follow_one_another_on_the_same_port() {
    let mut scene = Scene::start(Setup::default()).await;
    let first = scene.begin().await;
    let mut other = scene.issuer.set_up(Setup::default()).start();
    let mut host = Host::initialized(&mut other).await;
    let params = json!({"type": "chatgpt"});
    host.request("account/login/start", params).await.unwrap();
    let completed = scene.completed().await;
    assert_eq!(completed["loginId"], first.id);
    assert_eq!(completed["error"], "Login server error: Login cancelled");
}

// Row: a pasted address
// Row: callback 11
#[tokio::test]
async fn people_whose_browser_is_elsewhere_paste_the_address() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let paste = |url: String| json!({"loginId": login.id, "redirectUrl": url});
    for wrong in [
        "nonsense CANARY".to_owned(),
        "http://localhost:1455/auth/callback?code=CANARY&state=wrong".to_owned(),
        format!(
            "http://localhost:1455{}&state={}",
            login.back(),
            login.state
        ),
    ] {
        let refused = scene.host.request("account/login/complete", paste(wrong));
        let refused = refused.await.unwrap_err();
        assert_eq!((refused.code, refused.kind()), (-32600, "loginFailed"));
        assert!(!refused.message.contains("CANARY"));
    }
    let unknown = json!({"loginId": "00000000-0000-4000-8000-000000000000", "redirectUrl": "x"});
    let refused = scene.host.request("account/login/complete", unknown);
    assert_eq!(refused.await.unwrap_err().kind(), "notFound");
    let right = paste(format!("http://localhost:1455{}", login.back()));
    let taken = scene.host.request("account/login/complete", right).await;
    assert_eq!(taken.unwrap(), json!({}));
    assert_eq!(scene.completed().await["success"], true);
    assert_closed(login.port).await;
    assert_eq!(scene.account().await["email"], "ada@example.com");
}
