//! Calls through the gateway of a connection: recovery from a 401, sign-out, refusals, and the
//! login of another connection.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::gateway::{Client, TURN, answer};
use byokey_tests::{Host, Listening, Server, Setup};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn started(backend: &DevBackend) -> (Server, Host, Client) {
    let mut server = Setup::default().backend(backend).start();
    let mut host = Host::initialized(&mut server).await;
    let client = gateway(&mut host).await;
    (server, host, client)
}

async fn gateway(host: &mut Host) -> Client {
    let started = host.request("gateway/start", json!({})).await.unwrap();
    Client::new(
        started["url"].as_str().unwrap(),
        started["bearer"].as_str().unwrap(),
    )
}

fn script(steps: serde_json::Value) -> DevBackend {
    let script = json!({"routes": {"responses": steps}});
    let script = Script::from_json(&script.to_string()).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

// Row: one refresh for all
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_that_get_401_cause_one_refresh_and_all_succeed() {
    const REQUESTS: usize = 1000;
    let backend = DevBackend::start(Options::new()).unwrap();
    let (_server, mut host, client) = started(&backend).await;
    let lasting = |days: u64| {
        let time = std::time::Duration::from_secs(days * 86_400);
        TestToken::new("ada").expiring_in(time).encode()
    };
    let (old, new) = (lasting(1), lasting(2));
    host.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    let gate = backend.hold(Route::Responses);
    let mut requests = client.posts(REQUESTS, "/v1/responses", TURN);
    gate.wait_for(REQUESTS).await;
    gate.release();
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    host.respond(&id, json!({"accessToken": new, "chatgptAccountId": "ws-1"}))
        .await;
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("response.completed") && answer.is_whole);
    }
    let with = |bearer: &str| {
        let requests = backend.requests_to(Route::Responses);
        requests
            .iter()
            .filter(|it| it.bearer() == Some(bearer))
            .count()
    };
    assert_eq!((with(&old), with(&new)), (REQUESTS, REQUESTS));
    let asked = host.quiet_for(std::time::Duration::from_millis(200)).await;
    let asked = asked
        .iter()
        .filter(|it| it["method"] == "account/chatgptAuthTokens/refresh");
    assert_eq!(asked.count(), 0, "it was asked once");
}

#[tokio::test]
async fn a_sign_out_breaks_off_answers_and_refuses_later_ones() {
    let backend = script(json!([{"text": ["Hel", "lo"], "hang": true}]));
    let (_server, mut host, client) = started(&backend).await;
    let token = TestToken::new("ada").encode();
    host.login(&token, "ws-1").await;
    let mut stream = client.connect().await;
    let headers = format!("Content-Length: {}\r\n\r\n{TURN}", TURN.len());
    let request = client.head("POST /backend-api/codex/responses", &headers);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"Hel\"") {
        seen.push(stream.read_u8().await.unwrap());
    }
    host.request("account/logout", json!(null)).await.unwrap();
    let rest = answer(stream).await;
    assert!(!rest.head.contains("response.completed"), "{rest:?}");
    assert!(
        !rest.head.ends_with("0\r\n"),
        "it is not complete: {rest:?}"
    );
    let later = client.post("/v1/responses", TURN).await;
    assert_eq!((later.status, later.code().as_str()), (401, "signed_out"));
    let message = later.json()["error"]["message"].to_string();
    assert!(message.contains("byokey login"), "{message}");
    let whoami = client
        .get("/api/accounts/v1/user-auth-credential/whoami")
        .await;
    assert_eq!(whoami.code(), "signed_out");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_sign_out_breaks_off_an_answer_that_its_client_does_not_read() {
    use byokey_tests::ProcessStatus;

    let backend = script(json!([{"endless": "deltas"}]));
    let (server, mut host, client) = started(&backend).await;
    let pid = server.pid();
    let before = ProcessStatus::descriptors(pid);
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let mut stream = client.connect().await;
    let headers = format!("Content-Length: {}\r\n\r\n{TURN}", TURN.len());
    let request = client.head("POST /backend-api/codex/responses", &headers);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    // All buffers are full once it has nothing to do.
    let mut ticks = ProcessStatus::of(pid).ticks;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = ProcessStatus::of(pid).ticks;
        if std::mem::replace(&mut ticks, now) == now {
            break;
        }
    }
    let during = ProcessStatus::descriptors(pid);
    assert!(
        during >= before + 2,
        "one to the client, one to the backend"
    );
    host.request("account/logout", json!(null)).await.unwrap();
    let deadline = std::time::Instant::now() + byokey_tests::PATIENCE;
    while ProcessStatus::descriptors(pid) > during - 2 {
        assert!(std::time::Instant::now() < deadline, "both are still open");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_as_such() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let (_server, mut host, client) = started(&backend).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = host.request("gateway/start", json!({"port": port})).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "portUnavailable", "{refused:?}");
    assert!(refused.message.contains(&port.to_string()), "{refused:?}");
    assert_eq!(gateway(&mut host).await.bearer, client.bearer, "it goes on");
}

#[tokio::test]
async fn refusals_of_the_backend_pass_and_redirects_do_not() {
    let limit = json!({"error": {"type": "usage_limit_reached", "message": "made up", "resets_at": 1893456000}});
    let backend = script(json!([
        {"status": 429, "body": limit, "headers": {"x-codex-plan-type": "pro", "set-cookie": "a=b"}},
        {"status": 503, "body": "made up text"},
        {"status": 307, "headers": {"location": "https://evil.example/"}},
        {"drop": true}
    ]));
    let (_server, mut host, client) = started(&backend).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let refused = client.post("/v1/responses", TURN).await;
    assert_eq!((refused.status, refused.json()), (429, limit));
    assert_eq!(refused.header("x-codex-plan-type"), Some("pro"));
    assert_eq!(refused.header("set-cookie"), None);
    let refused = client.post("/v1/responses", TURN).await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, "made up text")
    );
    assert_eq!(
        backend.count(Route::Responses),
        2,
        "the client has retries of its own"
    );
    let redirected = client.post("/v1/responses", TURN).await;
    assert_eq!(
        (redirected.status, redirected.code().as_str()),
        (502, "redirected")
    );
    assert_eq!(redirected.header("location"), None);
    let dropped = client.post("/v1/responses", TURN).await;
    assert_eq!(
        (dropped.status, dropped.code().as_str()),
        (502, "backend_unreachable")
    );
}

#[tokio::test]
async fn a_refusal_that_cannot_be_searched_for_the_token_is_withheld() {
    let backend = script(json!([
        {"status": 400, "body": "made up text", "headers": {"content-encoding": "gzip"}},
    ]));
    let (_server, mut host, client) = started(&backend).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let refused = client.post("/backend-api/codex/responses", TURN).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "backend_refused")
    );
    assert!(!refused.body.contains("made up text"), "{refused:?}");
}

#[tokio::test]
async fn a_gateway_ends_with_its_connection_or_when_it_is_told_to() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let (mut server, mut host, client) = started(&backend).await;
    assert_eq!(
        gateway(&mut host).await.bearer,
        client.bearer,
        "there is one"
    );
    assert_eq!(client.get("/v1/models").await.code(), "signed_out");
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    assert_eq!(client.get("/v1/models").await.status, 200);
    host.request("gateway/stop", json!({})).await.unwrap();
    let gone = tokio::net::TcpStream::connect(&client.authority);
    let deadline = std::time::Instant::now() + byokey_tests::PATIENCE;
    let mut gone = gone.await;
    while gone.is_ok() {
        assert!(std::time::Instant::now() < deadline);
        gone = tokio::net::TcpStream::connect(&client.authority).await;
    }
    let next = gateway(&mut host).await;
    assert_ne!(next.bearer, client.bearer);
    assert_eq!(next.get("/v1/models").await.status, 200);
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_bearer_is_told_to_its_caller_alone_and_written_nowhere() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let listening = Listening::start(Setup::default().backend(&backend), "unix://").await;
    let (mut host, mut other) = (listening.unix_host().await, listening.unix_host().await);
    let own = gateway(&mut host).await;
    let quiet = std::time::Duration::from_millis(200);
    assert_eq!(other.quiet_for(quiet).await, [json!(null); 0]);
    let of_other = gateway(&mut other).await;
    assert_eq!(host.quiet_for(quiet).await, [json!(null); 0]);
    assert_ne!(own.bearer, of_other.bearer);
    for client in [&own, &of_other] {
        assert_eq!(client.get("/v1/models").await.code(), "signed_out");
    }
    let mut folders = vec![listening.server.home.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files += 1;
                let content = std::fs::read(&path).unwrap();
                let content = String::from_utf8_lossy(&content);
                for bearer in [&own.bearer, &of_other.bearer] {
                    assert!(!content.contains(bearer), "{}", path.display());
                }
            }
        }
    }
    assert!(files > 0, "void: the home has no file");
    let log = listening.server.log();
    assert!(!log.contains(&own.bearer) && !log.contains(&of_other.bearer));
}

#[tokio::test]
async fn the_login_of_a_host_is_for_its_supplier_alone() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let listening = Listening::start(Setup::default().backend(&backend), "unix://").await;
    let (mut host, mut other) = (listening.unix_host().await, listening.unix_host().await);
    let of_other = gateway(&mut other).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let own = gateway(&mut host).await;
    assert_eq!(own.get("/v1/models").await.status, 200);
    let foreign = of_other.get("/v1/models").await;
    assert_eq!(
        (foreign.status, foreign.code().as_str()),
        (403, "foreign_login")
    );
    let whoami = of_other
        .get("/api/accounts/v1/user-auth-credential/whoami")
        .await;
    assert_eq!(whoami.code(), "foreign_login");
    other.request("gateway/stop", json!({})).await.unwrap();
    let refused = other.request("gateway/start", json!({})).await.unwrap_err();
    assert!(
        refused.message.contains("supplied by another connection"),
        "{refused:?}"
    );
    drop(host);
    let deadline = std::time::Instant::now() + byokey_tests::PATIENCE;
    while tokio::net::TcpStream::connect(&own.authority).await.is_ok() {
        assert!(
            std::time::Instant::now() < deadline,
            "it ends with its connection"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
