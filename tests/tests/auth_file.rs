//! codex's login file belongs to codex: it is neither used nor changed.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays codex"
)]

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Host, Setup};
use serde_json::json;

#[tokio::test]
async fn a_login_of_codex_is_left_alone() {
    let codex_home = tempfile::tempdir().unwrap();
    let file = codex_home.path().join("auth.json");
    let text = "{\"auth_mode\":\"apikey\",\"OPENAI_API_KEY\":\"sk-made-up-of-codex\"}\n";
    std::fs::write(&file, text).unwrap();
    let backend = DevBackend::start(Options::new()).unwrap();
    let chatgpt = format!("chatgpt_base_url={}", backend.base_url());
    let setup = Setup::default().argument("-c").argument(&chatgpt);
    let setup = setup
        .argument("-c")
        .argument("cli_auth_credentials_store=file");
    let home = codex_home.path().display().to_string();
    let mut server = setup.environment("CODEX_HOME", &home).start();
    let mut host = Host::initialized(&mut server).await;
    let read = host.request("account/read", json!({})).await.unwrap();
    assert!(read["account"].is_null(), "codex's login was used: {read}");

    let (old, new) = (
        TestToken::new("old").encode(),
        TestToken::new("new").encode(),
    );
    host.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    let limits = host.start("account/rateLimits/read", json!({})).await;
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    host.respond(&id, json!({"accessToken": new, "chatgptAccountId": "ws-1"}))
        .await;
    host.answer(limits).await.unwrap();
    host.request("account/logout", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));

    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let files: Vec<_> = std::fs::read_dir(codex_home.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "something was put beside it: {files:?}");
}
