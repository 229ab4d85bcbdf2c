//! Answers without an end, of an issuer and with the status of an error: they cost a bounded amount
//! of memory, and the call fails. Each test prints the growth of the memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "figures are part of what a test reports"
)]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use byokey_dev_backend::TestToken;
use byokey_dev_backend::issuer::answers;
use byokey_tests::issuer::{access_token, person, refresh_token};
use byokey_tests::server::mock_provider;
use byokey_tests::turns::begin_turn;
use byokey_tests::{Host, ProcessStatus, Server, Setup, byokey_measured};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The allowed growth of the memory, in KiB.
const MOST: u64 = 16 * 1024;
/// Bytes that are sent at once.
const BLOCK: usize = 64 * 1024;

const USER_CODE: &str = "/deviceauth/usercode";
const POLL: &str = "/deviceauth/token";
const TOKEN: &str = "/oauth/token";
const WHOAMI: &str = "/whoami";

/// The end of the path whose answers have no end, and their status.
type Endless = Arc<Mutex<Option<(&'static str, u16)>>>;

/// An issuer and a backend. It ends on drop.
struct Sender {
    address: SocketAddr,
    endless: Endless,
    /// The targets of the requests that got an endless answer.
    sent: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Sender {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (endless, sent) = (Endless::default(), Arc::<Mutex<Vec<String>>>::default());
        let (what, seen) = (Arc::clone(&endless), Arc::clone(&sent));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&what), Arc::clone(&seen)));
            }
        });
        Self {
            address,
            endless,
            sent,
            accepting,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, these answers have no end.
    fn set_endless(&self, path: &'static str, status: u16) {
        self.sent.lock().unwrap().clear();
        *self.endless.lock().unwrap() = Some((path, status));
    }

    /// Checks that the answer was asked for, and how much the memory has grown at most.
    fn check(&self, server: &Server, before: &ProcessStatus, what: &str) {
        assert!(!self.sent.lock().unwrap().is_empty(), "{what}");
        let after = ProcessStatus::of(server.pid());
        let grown = after.resident_peak.saturating_sub(before.resident);
        println!("figure: {what}: peak memory +{grown} KiB");
        assert!(grown <= MOST, "{what}: {grown} KiB");
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    endless: Endless,
    sent: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 {}
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await?;
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let endless = *endless.lock().unwrap();
    let common = "content-type: application/json\r\nconnection: close\r\n";
    if let Some((_, status)) = endless.filter(|(end, _)| path.ends_with(end)) {
        sent.lock().unwrap().push(target.to_owned());
        let member = if status == 200 { "" } else { "\"error\":{" };
        let opening = format!("HTTP/1.1 {status} X\r\n{common}\r\n{{{member}\"message\":\"");
        stream.write_all(opening.as_bytes()).await?;
        loop {
            stream.write_all(&[b'x'; BLOCK]).await?;
        }
    }
    let body = match path {
        path if path.ends_with(USER_CODE) => {
            answers::device_code("device-made-up", "CODE-12345", 1)
        }
        path if path.ends_with(POLL) => {
            answers::device_grant("code-made-up", "challenge-made-up", "verifier-made-up")
        }
        path if path.ends_with(TOKEN) => {
            answers::tokens(&person(), &access_token(1), &refresh_token(1))
        }
        _ => json!({}),
    };
    let body = body.to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{common}content-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await
}

/// Begins a login on another device, and returns why it failed.
async fn failed_device_login(host: &mut Host) -> String {
    let device = json!({"type": "chatgptDeviceCode"});
    match host.request("account/login/start", device).await {
        Err(refused) => refused.message,
        Ok(_) => {
            let completed = host.notification("account/login/completed").await;
            assert_eq!(completed["success"], false);
            completed["error"].as_str().unwrap().to_owned()
        }
    }
}

async fn failed_token_login(host: &mut Host) -> String {
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up"});
    let failed = host.request("account/login/start", login).await;
    failed.unwrap_err().message
}

#[tokio::test]
async fn endless_answers_of_an_issuer_fail_the_login_and_keep_the_one_in_force() {
    for status in [200, 400, 500] {
        let sender = Sender::start().await;
        let setup = Setup::default().program(byokey_measured());
        let setup = setup.environment("CODEX_APP_SERVER_LOGIN_ISSUER", &sender.url());
        let mut server = setup.start();
        server.canaries.add_for_test("at-made-up");
        let mut host = Host::initialized(&mut server).await;
        let device = json!({"type": "chatgptDeviceCode"});
        host.request("account/login/start", device).await.unwrap();
        host.notification("account/login/completed").await;
        host.notification("account/updated").await;
        let before = ProcessStatus::of(server.pid());
        for path in [USER_CODE, POLL, TOKEN, WHOAMI] {
            sender.set_endless(path, status);
            let failed = if path == WHOAMI {
                failed_token_login(&mut host).await
            } else {
                failed_device_login(&mut host).await
            };
            assert!(failed.len() < 300, "{path}: {} bytes", failed.len());
            assert!(!failed.is_empty() && !failed.contains("xxx"), "{failed}");
            sender.check(&server, &before, &format!("{path}, endless {status}"));
        }
        // A renewal that fails this way leaves the login as it was.
        sender.set_endless(TOKEN, status);
        let ask = json!({"includeToken": true, "refreshToken": true});
        let read = host.request("getAuthStatus", ask).await.unwrap();
        assert_eq!(read["authToken"], access_token(1));
        sender.check(&server, &before, &format!("a renewal, endless {status}"));
    }
}

async fn failed_call(host: &mut Host, method: &str) -> Value {
    if method != "turn/start" {
        let failed = host.request(method, json!({})).await.unwrap_err();
        return json!({"message": failed.message});
    }
    begin_turn(host).await;
    let mut ended = host.notification("turn/completed").await;
    assert_eq!(ended["turn"]["status"], "failed");
    ended["turn"]["error"].take()
}

#[tokio::test]
async fn endless_bodies_of_errors_fail_the_call() {
    for (method, path) in [
        ("account/rateLimits/read", "/usage"),
        ("model/list", "/models"),
        ("turn/start", "/responses"),
    ] {
        for status in [400, 404, 500] {
            let sender = Sender::start().await;
            let setup = Setup::default().program(byokey_measured());
            let mut server = setup.config(&mock_provider(&sender.url())).start();
            let mut host = Host::initialized(&mut server).await;
            host.login(&TestToken::new("ada").encode(), "ws-1").await;
            host.request("account/read", json!({})).await.unwrap();
            let before = ProcessStatus::of(server.pid());
            sender.set_endless(path, status);
            let failed = failed_call(&mut host, method).await;
            let message = failed["message"].as_str().unwrap();
            assert!(!message.is_empty() && message.len() < 2_000, "{message}");
            let what = format!("{method}, endless {status}");
            sender.check(&server, &before, &what);
        }
    }
}
