//! Specific to listeners: their bearers, frames, and clients that connect and disconnect.

use byokey_tests::listening::WebSocket;
use byokey_tests::search::searchable;
use byokey_tests::{Listening, MadeUp, Search, Setup};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::support::{ORDINARY, backend, login_params};

const TEXT: OpCode = OpCode::Data(Data::Text);
const MORE: OpCode = OpCode::Data(Data::Continue);

/// Starts a listener, and a search with the help of a first host.
async fn listening(setup: Setup) -> (Listening, byokey_tests::Host, Search) {
    let listening = Listening::websocket(searchable(setup)).await;
    let mut host = listening.over(listening.client().await);
    let search = Search::begin(listening.server.pid(), &mut host).await;
    (listening, host, search)
}

/// Returns a frame with a mask of zeros, so that it can be found in a buffer.
fn frame(text: &[u8], opcode: OpCode, last: bool) -> Vec<u8> {
    let mut header = FrameHeader::default();
    (header.is_final, header.opcode, header.mask) = (last, opcode, Some([0; 4]));
    let mut bytes = Vec::new();
    let frame = Frame::from_payload(header, text.to_vec().into());
    frame.format(&mut bytes).unwrap();
    bytes
}

async fn send(client: &mut WebSocket, bytes: &[u8]) {
    client.get_mut().write_all(bytes).await.unwrap();
}

/// Runs the handshake of a raw client.
async fn introduce(client: &mut WebSocket) {
    let params = json!({"clientInfo": {"name": "raw", "version": "1"}});
    let message = json!({"id": 0, "method": "initialize", "params": params}).to_string();
    send(client, &frame(message.as_bytes(), TEXT, true)).await;
    answered(client).await;
}

/// Waits for a response.
async fn answered(client: &mut WebSocket) {
    loop {
        if let Message::Text(text) = client.next().await.unwrap().unwrap()
            && text.contains("\"id\"")
        {
            return;
        }
    }
}

fn login(token: &MadeUp) -> String {
    json!({"id": 500, "method": "account/login/start", "params": login_params(token)}).to_string()
}

#[tokio::test]
async fn bearers_are_not_kept() {
    let (listening, mut host, search) = listening(Setup::default()).await;
    let own = MadeUp::known("own bearer", listening.token().await);
    search.assert_gone(&own, "made, and shown once").await;
    let second = listening.client().await;
    search.assert_gone(&own, "shown twice").await;
    drop(second);
    for length in [60, 4_000] {
        let wrong = MadeUp::api_key("wrong-bearer", length);
        listening.connect(&wrong.text).await.unwrap_err();
        search.assert_gone(&wrong, "a wrong bearer").await;
    }
    // With more data in the same packet.
    let request = |bearer: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWFkZS11cC1tYWRlLXVwIQ==\r\n\
             Authorization: Bearer {bearer}\r\n\r\n",
            listening.address()
        )
    };
    let mut stream = tokio::net::TcpStream::connect(listening.address())
        .await
        .unwrap();
    let token = MadeUp::jwt("same-packet", ORDINARY);
    listening.server.canaries.add(&token.text);
    let mut packet = request(&own.text).into_bytes();
    packet.extend(frame(login(&token).as_bytes(), TEXT, true));
    stream.write_all(&packet).await.unwrap();
    let both = [own, token];
    search.assert_all_gone(&both, "in one packet").await;
    host.request("account/read", json!({})).await.unwrap();
}

#[tokio::test]
async fn signed_bearers_are_not_kept_and_their_secret_is_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let secret = MadeUp::api_key("shared-secret", 64);
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(&path, &secret.text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    let setup = Setup::default()
        .argument("--ws-auth=signed-bearer-token")
        .argument(&format!("--ws-shared-secret-file={}", path.display()));
    let listening = Listening::websocket(searchable(setup)).await;
    let good = signed(&secret.text, "signed-good");
    let client = listening.connect(&good.text).await.unwrap();
    let mut host = listening.over(client);
    let search = Search::begin(listening.server.pid(), &mut host).await;
    search.assert_gone(&good, "a good signed bearer").await;
    let bad = signed("another-secret-of-32-bytes-made-up", "signed-bad");
    listening.connect(&bad.text).await.unwrap_err();
    search.assert_gone(&bad, "a bad signed bearer").await;
    search.assert_in_use(&secret, "the secret that signs");
}

/// Returns a JWT signed with this secret.
fn signed(secret: &str, label: &str) -> MadeUp {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{KeyInit as _, Mac as _};

    let mut random = byokey_tests::fake_secrets::Random::of(label);
    let claims = json!({"exp": 4_000_000_000_i64, "jti": random.text(300)});
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    MadeUp {
        claimed: claims["jti"].as_str().map(str::to_owned),
        ..MadeUp::known("signed bearer", format!("{signed}.{signature}"))
    }
}

#[tokio::test]
async fn a_login_in_fragments() {
    let (listening, mut host, search) = listening(Setup::default()).await;
    let token = MadeUp::jwt("fragments", ORDINARY);
    listening.server.canaries.add(&token.text);
    let mut client = listening.client().await;
    introduce(&mut client).await;
    let message = login(&token).into_bytes();
    let (begin, end) = message.split_at(message.len() / 2);
    send(&mut client, &frame(begin, TEXT, false)).await;
    let ping = OpCode::Control(Control::Ping);
    send(
        &mut client,
        &frame(&token.text.as_bytes()[..100], ping, true),
    )
    .await;
    let (one, rest) = end.split_at(1);
    send(&mut client, &frame(one, MORE, false)).await;
    send(&mut client, &frame(rest, MORE, true)).await;
    answered(&mut client).await;
    search.assert_in_use(&token, "in fragments");
    client.close(None).await.unwrap();
    drop(client);
    search.assert_in_use(&token, "the client that brought it is gone");
    host.request("account/logout", json!({})).await.unwrap();
    search
        .assert_gone(&token, "in fragments, then logged out")
        .await;
}

#[tokio::test]
async fn messages_that_break_off_with_their_connection() {
    let (listening, _host, search) = listening(Setup::default()).await;
    let token = MadeUp::jwt("breaks-off", ORDINARY);
    listening.server.canaries.add(&token.text);
    let whole = frame(login(&token).as_bytes(), TEXT, true);
    let open = frame(login(&token).as_bytes(), TEXT, false);
    // The first one ends behind the token, in any order of members.
    for bytes in [&whole[..whole.len() - 20], &open] {
        let mut client = listening.client().await;
        introduce(&mut client).await;
        send(&mut client, bytes).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let waiting = search.memory().traces(&token).full;
        assert!((1..=2).contains(&waiting), "{waiting} of an open message");
        drop(client);
        search.assert_gone(&token, "broken off").await;
    }
}

#[tokio::test]
async fn frames_that_are_refused() {
    let setup = Setup::default().argument("--max-message-bytes=20000");
    let (listening, _host, search) = listening(setup).await;
    let token = MadeUp::jwt("refused-frame", ORDINARY);
    listening.server.canaries.add(&token.text);
    let message = login(&token);
    let long = format!("{message}{}", " ".repeat(30_000));
    let not_utf8 = [message.as_bytes(), b" \xff\xfe"].concat();
    let mut unmasked = frame(message.as_bytes(), TEXT, true);
    unmasked[1] &= 0x7f;
    let refused = [
        (
            "binary",
            frame(message.as_bytes(), OpCode::Data(Data::Binary), true),
        ),
        ("no text", frame(&not_utf8, TEXT, true)),
        ("too long", frame(long.as_bytes(), TEXT, true)),
        ("continues nothing", frame(message.as_bytes(), MORE, true)),
        ("unmasked", unmasked),
        (
            "a close",
            frame(
                &token.text.as_bytes()[..120],
                OpCode::Control(Control::Close),
                true,
            ),
        ),
    ];
    for (what, bytes) in refused {
        let mut client = listening.client().await;
        introduce(&mut client).await;
        send(&mut client, &bytes).await;
        while let Some(Ok(_)) = client.next().await {}
        search.assert_gone(&token, what).await;
    }
}

#[tokio::test]
async fn clients_that_come_and_go_leave_the_credential_alone() {
    let backend = backend();
    let setup = searchable(Setup::default().backend(&backend));
    let listening = Listening::start(setup, "unix://").await;
    let mut first = listening.unix_stranger();
    let search = Search::begin(listening.server.pid(), &mut first).await;
    let token = MadeUp::jwt("come-and-go", ORDINARY);
    for _ in 0..10 {
        let mut guest = listening.unix_host().await;
        guest.login(&token.text, "ws-made-up").await;
        let params = json!({"includeToken": true});
        guest.request("getAuthStatus", params).await.unwrap();
        guest
            .request("account/usage/read", json!({}))
            .await
            .unwrap();
        drop(guest);
        search.assert_in_use(&token, "the client is gone");
    }
    first.request("account/logout", json!({})).await.unwrap();
    search.assert_gone(&token, "after all of them").await;
}
