//! Admission on a WebSocket port: no web page, no foreign host name, no client without a bearer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_tests::{Listening, PATIENCE, Setup};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Fake, like every secret here.
const TOKEN: &str = "made-up-capability-token-of-a-test-0123";
const SECRET: &str = "made-up-shared-secret-of-a-test-01234567";

/// Returns a request to upgrade, with these headers added.
fn upgrade(host: &str, headers: &str) -> String {
    format!(
        "GET /any/path HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

fn get(path: &str, host: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
}

/// Returns status and text of a response.
fn parts(answer: &str) -> (&str, &str) {
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.strip_prefix("HTTP/1.").unwrap_or_default();
    (status.get(2..5).unwrap_or_default(), text.trim_end())
}

/// Returns the beginning of the response to an upgrade that may succeed, so that the connection
/// stays open.
async fn head(listening: &Listening, request: &str) -> String {
    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).unwrap()
}

fn secret_file(folder: &tempfile::TempDir, text: &str, mode: u32) -> PathBuf {
    let path = folder
        .path()
        .join(format!("secret-{mode:o}-{}", text.len()));
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn flags(arguments: &[&str]) -> Setup {
    let setup = Setup::default();
    arguments
        .iter()
        .fold(setup, |setup, argument| setup.argument(argument))
}

// Row: no bearer, a web page, a foreign name
#[tokio::test]
async fn each_rule_has_its_answer() {
    let listening = Listening::websocket(Setup::default()).await;
    let port = listening.address().port();
    let own = format!("127.0.0.1:{port}");
    let good = format!("Authorization: Bearer {}\r\n", listening.token().await);
    let page = "requests of web pages are refused: they carry an Origin header";
    let name = "the Host header must be 127.0.0.1, [::1], localhost or the listening address, \
                with the port";
    let bearer = |text: &str| format!("Authorization: {text}\r\n");
    for (request, status, text) in [
        // Health checks need no bearer, but they are for programs, too.
        (get("/readyz", &own, ""), "200", "ok"),
        (get("/healthz", &own, ""), "200", "ok"),
        (
            get("/readyz", &own, "Origin: http://localhost\r\n"),
            "403",
            page,
        ),
        (get("/healthz", "evil.example", ""), "403", name),
        // No bearer, or another one.
        (upgrade(&own, ""), "401", "missing websocket bearer token"),
        (
            upgrade(&own, &bearer("Bearer made-up")),
            "401",
            "invalid websocket bearer token",
        ),
        (
            upgrade(&own, &bearer("Basic made-up")),
            "401",
            "invalid authorization header",
        ),
        // A page is refused whatever it presents, and so is a name that a page can own (DNS
        // rebinding).
        (
            upgrade(&own, &format!("{good}Origin: http://{own}\r\n")),
            "403",
            page,
        ),
        (
            upgrade(&own, &format!("{good}Origin: null\r\n")),
            "403",
            page,
        ),
        (upgrade("evil.example", &good), "403", name),
        (upgrade(&format!("evil.example:{port}"), &good), "403", name),
        (upgrade("127.0.0.1:1", &good), "403", name),
        (
            get("/", &own, &good),
            "426",
            "this is a WebSocket server, version 13",
        ),
        (
            upgrade(&own, &good).replacen("HTTP/1.1", "HTTP/1.0", 1),
            "426",
            "this is a WebSocket server, version 13",
        ),
        (format!("GET / HTTP/1.1\r\n{good}\r\n"), "403", name),
    ] {
        let answer = listening.http(&request).await;
        assert_eq!(parts(&answer), (status, text), "{request}");
    }
    for host in [&own, &format!("localhost:{port}"), &format!("[::1]:{port}")] {
        let head = head(&listening, &upgrade(host, &good)).await;
        assert_eq!(parts(&head).0, "101", "{head}");
        assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        // Some clients accept only this word.
        assert!(head.contains("connection: Upgrade\r\n"), "{head}");
    }
}

// Row: tokens of the port
#[tokio::test]
async fn the_token_that_is_made_is_for_us_alone() {
    let mut listening = Listening::websocket(Setup::default()).await;
    let file = listening.token_file().await;
    let home = listening.server.home.path();
    let name = format!("ws-{}.token", listening.address().port());
    assert_eq!(file, home.join(".local/share/byokey/run").join(name));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    let token = listening.token().await;
    assert_eq!(
        URL_SAFE_NO_PAD.decode(&token).unwrap().len(),
        32,
        "256 bits"
    );
    assert!(!listening.server.log().contains(&token));
    assert!(listening.connect(&token).await.is_ok());
    listening.server.terminate();
    assert_eq!(listening.server.exit_code().await, Some(0));
    assert!(!file.exists(), "it goes with the program");
}

#[tokio::test]
async fn a_token_of_the_users_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret_file(&folder, &format!("\n {TOKEN} \n"), 0o600);
    let hex: String = Sha256::digest(TOKEN)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (flag, value) in [
        ("--ws-token-file", file.to_str().unwrap()),
        ("--ws-token-sha256", &hex),
        ("--ws-token-sha256", &hex.to_uppercase()),
    ] {
        let setup = flags(&["--ws-auth", "capability-token", flag, value]);
        let listening = Listening::websocket(setup).await;
        assert!(listening.connect(TOKEN).await.is_ok(), "{flag}");
        assert!(listening.connect("another").await.is_err(), "{flag}");
        assert!(
            !listening
                .server
                .log()
                .contains("clients present the bearer")
        );
    }
}

#[tokio::test]
async fn signed_bearers_are_held_to_the_flags() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret_file(&folder, SECRET, 0o600);
    let listening = Listening::websocket(flags(&[
        "--ws-auth",
        "signed-bearer-token",
        "--ws-shared-secret-file",
        file.to_str().unwrap(),
        "--ws-issuer",
        "issuer",
        "--ws-audience",
        "audience",
        "--ws-max-clock-skew-seconds",
        "5",
    ]))
    .await;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let good = json!({"exp": now + 60, "iss": "issuer", "aud": ["other", "audience"]});
    let with = |member: &str, value: Value| {
        let mut claims = good.clone();
        claims[member] = value;
        sign(&claims, SECRET)
    };
    assert!(listening.connect(&sign(&good, SECRET)).await.is_ok());
    for (token, text) in [
        (with("exp", json!(now - 60)), "expired websocket jwt"),
        (
            with("nbf", json!(now + 60)),
            "websocket jwt is not valid yet",
        ),
        (with("iss", json!("other")), "websocket jwt issuer mismatch"),
        (
            with("aud", json!("other")),
            "websocket jwt audience mismatch",
        ),
        (with("exp", Value::Null), "invalid websocket jwt"),
        (
            sign(&good, "another-made-up-secret-of-a-test-012345"),
            "invalid websocket jwt",
        ),
        ("not-a-jwt".to_owned(), "invalid websocket jwt"),
    ] {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let request = upgrade(&listening.address().to_string(), &bearer);
        let answer = listening.http(&request).await;
        assert_eq!(parts(&answer), ("401", text));
    }
}

fn sign(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

// Row: tokens of the port
#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |text: &str, mode| {
        secret_file(&folder, text, mode)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let (open, short) = (path(TOKEN, 0o620), path("short", 0o600));
    let gone = folder.path().join("gone").to_str().unwrap().to_owned();
    let (ws, hex) = ("ws://127.0.0.1:0", "ab".repeat(32));
    let capability = ["--listen", ws, "--ws-auth", "capability-token"];
    let signed = ["--listen", ws, "--ws-auth", "signed-bearer-token"];
    let url = |url: &str| {
        format!(
            "unsupported --listen URL `{url}`; expected `stdio://`, `unix://`, `unix://PATH`, \
             `ws://IP:PORT`, or `off`"
        )
    };
    let invalid =
        |url: &str| format!("invalid websocket --listen URL `{url}`; expected `ws://IP:PORT`");
    for (arguments, more, text) in [
        (
            &["--listen", "http://127.0.0.1:1"][..],
            &[][..],
            url("http://127.0.0.1:1"),
        ),
        (&["--listen", "stdin"], &[], url("stdin")),
        (
            &["--listen", "ws://localhost:1"],
            &[],
            invalid("ws://localhost:1"),
        ),
        (
            &["--listen", "ws://127.0.0.1"],
            &[],
            invalid("ws://127.0.0.1"),
        ),
        (
            &["--listen", "off"],
            &[],
            "no transport configured; use --listen".to_owned(),
        ),
        (
            &["--listen", "ws://0.0.0.0:0"],
            &[],
            "others can reach 0.0.0.0:0, so choose how clients authenticate with \
             --ws-auth; or listen on ws://127.0.0.1:0"
                .to_owned(),
        ),
        (
            &["--listen", ws],
            &["--ws-token-sha256", &hex],
            "websocket auth flags require `--ws-auth capability-token` or `--ws-auth \
             signed-bearer-token`"
                .to_owned(),
        ),
        (
            &capability,
            &["--ws-token-sha256", &hex, "--ws-token-file", &short],
            "`--ws-token-file` and `--ws-token-sha256` are mutually exclusive".to_owned(),
        ),
        (
            &capability,
            &["--ws-token-sha256", "abc"],
            "--ws-token-sha256 must be a 64-character hex SHA-256 digest".to_owned(),
        ),
        (
            &capability,
            &["--ws-token-file", "relative"],
            "--ws-token-file must be an absolute path".to_owned(),
        ),
        (
            &capability,
            &["--ws-token-file", &open],
            format!(
                "websocket auth secret {open} can be changed by other users; run `chmod 600 \
                 {open}` as its owner, who must be you"
            ),
        ),
        (
            &capability,
            &["--ws-token-file", &short],
            format!(
                "websocket auth secret {short} must be at least 32 bytes; `openssl rand -base64 \
                 32` makes one"
            ),
        ),
        (
            &capability,
            &["--ws-token-file", &gone],
            format!("failed to read websocket auth secret {gone}: there is no such file"),
        ),
        (
            &signed,
            &["--ws-shared-secret-file", &short],
            format!(
                "signed websocket bearer secret {short} must be at least 32 bytes; `openssl \
                 rand -base64 32` makes one"
            ),
        ),
        (
            &signed,
            &[],
            "`--ws-shared-secret-file` is required when `--ws-auth signed-bearer-token` is set"
                .to_owned(),
        ),
    ] {
        let mut server = flags(&[arguments, more].concat()).start();
        assert_eq!(server.exit_code().await, Some(2), "{arguments:?} {more:?}");
        assert_eq!(server.whole_log().await, format!("byokey: {text}\n"));
    }
}

// Row: limits of the port
#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_affect_others() {
    let listening = Listening::websocket(Setup::default()).await;
    let request = upgrade(
        &listening.address().to_string(),
        "Authorization: Bearer x\r\n",
    );
    let begun = Instant::now();
    for _ in 0..8 {
        assert_eq!(parts(&listening.http(&request).await).0, "401");
    }
    // Five at once; then one per fifth of a second, counted from the first.
    assert!(
        begun.elapsed() >= Duration::from_millis(600),
        "{:?}",
        begun.elapsed()
    );
    let guesses = (0..20).map(|_| listening.http(&request));
    tokio::select! {
        biased;
        answers = join_all(guesses) => panic!("nobody waits: {answers:?}"),
        client = listening.client() => drop(client),
    }
}

// Row: limits of the port
#[tokio::test]
async fn an_unfinished_handshake_is_disconnected() {
    let listening = Listening::websocket(Setup::default()).await;
    let begun = Instant::now();
    let mut slow = Vec::new();
    // More than the limit of concurrent handshakes: the oldest is dropped.
    for _ in 0..100 {
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x")
            .await
            .unwrap();
        slow.push(stream);
    }
    let ended = tokio::time::timeout(Duration::from_secs(4), slow[0].read_u8()).await;
    assert!(ended.expect("at once").is_err(), "nothing is answered");
    let ended = tokio::time::timeout(Duration::from_secs(12), slow[99].read_u8()).await;
    assert!(ended.expect("in time").is_err(), "nothing is answered");
    // Its deadline is five seconds after it connected.
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(10),
        "{took:?}"
    );
    listening.client().await;
}

// Row: limits of the port
#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let listening = Listening::websocket(Setup::default()).await;
    let token = listening.token().await;
    let request = |length: usize| {
        let long = "x".repeat(length);
        let headers = format!("Authorization: Bearer {token}\r\nX-Long: {long}\r\n");
        upgrade(&listening.address().to_string(), &headers)
    };
    assert_eq!(parts(&head(&listening, &request(8 * 1024)).await).0, "101");
    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    // The program may close before everything is written, which may discard its response.
    let _ = stream.write_all(request(64 * 1024).as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection ends");
    let answer = String::from_utf8(answer).unwrap();
    assert!(matches!(parts(&answer).0, "" | "431"), "{answer}");
    listening.client().await;
}

// Row: limits of the port
#[tokio::test]
async fn there_is_place_for_so_many() {
    let listening = Listening::websocket(flags(&["--max-connections", "2"])).await;
    let first = listening.client().await;
    let _second = listening.client().await;
    let token = listening.token().await;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let request = upgrade(&listening.address().to_string(), &bearer);
    let answer = listening.http(&request).await;
    let text = "too many connections; close one or raise --max-connections";
    assert_eq!(parts(&answer), ("503", text));
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    while listening.connect(&token).await.is_err() {
        assert!(Instant::now() < deadline, "the place is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
