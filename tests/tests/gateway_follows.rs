//! A running gateway on a store that another process logs out of, or logs in with another account.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::gateway::{Client, Gateway, TURN};
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Home, PATIENCE, command};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PATH: &str = "/backend-api/codex/responses";

/// Starts a gateway on a store with a login, before a backend.
async fn started(backend: DevBackend) -> (SharedStore, Gateway) {
    let shared = SharedStore {
        backend,
        ..SharedStore::new().await
    };
    shared.keep(&access_token(90), "rt-made-up-refresh-token");
    let gateway = on(&shared).await;
    (shared, gateway)
}

async fn on(shared: &SharedStore) -> Gateway {
    let url = shared.backend.base_url();
    let config =
        format!("chatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\"\n");
    let environment = [("BYOKEY_HOME", shared.folder.path().to_str().unwrap())];
    let issuer = shared.issuer.url();
    let issuer = [("CODEX_APP_SERVER_LOGIN_ISSUER", issuer.as_str())];
    let environment = [environment, issuer].concat();
    Gateway::in_home(Home::new(&config), &["--store", "file"], &environment).await
}

async fn log_out(shared: &SharedStore) {
    let folder = shared.folder.path().to_str().unwrap();
    let issuer = shared.issuer.url();
    let environment = [
        ("BYOKEY_HOME", folder),
        ("CODEX_APP_SERVER_LOGIN_ISSUER", issuer.as_str()),
    ];
    let home = Home::new("");
    let ended = command::run(&home, &["logout", "--store", "file"], &environment, "").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

async fn is_refused(client: &Client) {
    for path in ["/v1/models", "/backend-api/wham/usage"] {
        let refused = client.get(path).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (401, "signed_out")
        );
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("byokey login"), "{message}");
    }
}

// Row: one refresh for all
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_401s_on_a_stored_login_spend_one_refresh_token() {
    const REQUESTS: usize = 1000;
    let (shared, gateway) = started(DevBackend::start(Options::new()).unwrap()).await;
    let client = gateway.client();
    shared.backend.reject_bearer(access_token(90));
    let gate = shared.backend.hold(Route::Responses);
    let mut requests = client.posts(REQUESTS, "/v1/responses", TURN);
    gate.wait_for(REQUESTS).await;
    gate.release();
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("response.completed") && answer.is_whole);
    }
    let sent = shared.backend.requests_to(Route::Responses);
    for token in [access_token(90), access_token(1)] {
        let with = sent.iter().filter(|it| it.bearer() == Some(&token));
        assert_eq!(with.count(), REQUESTS);
    }
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    assert_eq!(shared.kept()["tokens"]["access_token"], access_token(1));
}

#[tokio::test]
async fn the_longest_body_is_sent_again_as_it_is_after_a_401() {
    const LONGEST: usize = 64 << 20;
    let (shared, gateway) = started(DevBackend::start(Options::new()).unwrap()).await;
    shared.backend.reject_bearer(access_token(90));
    let words = "Be brief.";
    let more = "made up ".repeat(LONGEST / 8);
    let more = more.get(..LONGEST - TURN.len() + words.len()).unwrap();
    let body = TURN.replace(words, more);
    assert_eq!(body.len(), LONGEST);
    let answer = gateway.client().post(PATH, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let sent = shared.backend.requests_to(Route::Responses);
    let bearers: Vec<_> = sent.iter().map(|it| it.bearer().unwrap()).collect();
    assert_eq!(bearers, [access_token(90), access_token(1)]);
    for request in &sent {
        // Too long for a message.
        assert!(request.body == body, "{} bytes differ", request.body.len());
    }
}

#[tokio::test]
async fn a_logout_elsewhere_refuses_the_next_request() {
    let (shared, gateway) = started(DevBackend::start(Options::new()).unwrap()).await;
    let client = gateway.client();
    assert_eq!(client.post(PATH, TURN).await.status, 200);
    log_out(&shared).await;
    let before = shared.backend.requests().len();
    is_refused(&client).await;
    let refused = client.post(PATH, TURN).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "signed_out")
    );
    assert_eq!(shared.backend.requests().len(), before);
}

#[tokio::test]
async fn a_logout_elsewhere_ends_what_is_in_progress() {
    let script = json!({"routes": {"responses": [{"endless": "deltas"}]}});
    let script = Script::from_json(&script.to_string()).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let (shared, gateway) = started(backend).await;
    let client = gateway.client();
    let mut stream = client.connect().await;
    let headers = format!("Content-Length: {}\r\n\r\n{TURN}", TURN.len());
    let request = client.head(&format!("POST {PATH}"), &headers);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    log_out(&shared).await;
    let over = async {
        let mut part = [0; 65536];
        while let Ok(1..) = stream.read(&mut part).await {}
    };
    let over = tokio::time::timeout(PATIENCE, over).await;
    over.expect("it breaks off");
    is_refused(&client).await;
}

#[tokio::test]
async fn a_logout_elsewhere_ends_a_request_that_waits_for_its_answer() {
    let (shared, gateway) = started(DevBackend::start(Options::new()).unwrap()).await;
    let client = gateway.client();
    let gate = shared.backend.hold(Route::Responses);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.post(PATH, TURN).await }
    });
    while gate.arrived() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    log_out(&shared).await;
    let refused = tokio::time::timeout(PATIENCE, waiting).await;
    let refused = refused.expect("it ends while the backend waits").unwrap();
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "signed_out")
    );
    gate.release();
}

#[tokio::test]
async fn another_account_in_the_store_is_not_mixed_with_the_first() {
    let (shared, gateway) = started(DevBackend::start(Options::new()).unwrap()).await;
    let client = gateway.client();
    assert_eq!(client.get("/v1/models").await.status, 200);
    // The same account with newer tokens is no other login.
    shared.keep(&access_token(91), "rt-made-up-newer-token");
    assert_eq!(client.get("/v1/models").await.status, 200);
    let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up-other-login"});
    shared.write(key.to_string().as_bytes());
    is_refused(&client).await;
    shared.keep_for(
        &TestToken::new("bob"),
        &access_token(92),
        "rt-made-up-of-bob",
        "2026-02-01T12:00:00Z",
    );
    is_refused(&client).await;
}

#[tokio::test]
async fn a_stored_key_ends_with_the_store_and_one_of_the_environment_does_not() {
    let shared = SharedStore::new().await;
    let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up-key-in-the-store"});
    shared.write(key.to_string().as_bytes());
    let gateway = on(&shared).await;
    let client = gateway.client();
    assert_eq!(client.get("/v1/models").await.status, 200);
    log_out(&shared).await;
    is_refused(&client).await;
    let url = shared.backend.base_url();
    let config = byokey_tests::server::mock_provider(&url);
    let environment = [
        ("BYOKEY_HOME", shared.folder.path().to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-made-up-key-of-a-test"),
    ];
    let arguments = ["--store", "file"];
    let gateway = Gateway::in_home(Home::new(&config), &arguments, &environment).await;
    shared.keep(&access_token(90), "rt-made-up-refresh-token");
    log_out(&shared).await;
    assert_eq!(gateway.client().get("/v1/models").await.status, 200);
}

#[tokio::test]
async fn a_key_of_the_environment_does_not_hide_a_login_in_a_store_that_is_not_chosen() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-made-up-refresh-token");
    let home = Home::new(&byokey_tests::server::mock_provider(
        &shared.backend.base_url(),
    ));
    let environment = [
        ("BYOKEY_HOME", shared.folder.path().to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-made-up-key-of-a-test"),
    ];
    let refused = command::run(&home, &["gateway"], &environment, "").await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for words in ["`--store file`", "`--store ephemeral`", "OPENAI_API_KEY"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert!(!refused.stderr.contains("sk-made-up"), "{refused:?}");
    let chosen = ["--store", "ephemeral"];
    let gateway = Gateway::in_home(home, &chosen, &environment).await;
    assert_eq!(gateway.announced["account"], json!({"kind": "apiKey"}));
}
