//! Any bytes at a WebSocket port: no client is admitted that violates the rules.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use byokey_base::clock::SystemClock;
use byokey_rpc::websocket::{Admission, BearerRule, Entrance, accept_upgrade};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime;
use tokio::sync::Semaphore;

use crate::head::Head;

/// The token of a client. The seeds contain it.
const TOKEN: &str = "made-up-token-of-the-fuzz-targets";
const PORT: u16 = 4500;
/// The allowed statuses.
const STATUSES: [&str; 8] = ["101", "200", "400", "401", "403", "414", "426", "431"];

/// # Panics
///
/// When a client is admitted that violates the rules, or the response does not match the outcome.
pub fn upgrade_head(input: &[u8]) {
    let (is_in, answer) = knock(input);
    let answer = String::from_utf8(answer).expect("the answer is text");
    assert!(!answer.contains(TOKEN), "{answer}");
    assert!(answer.matches("HTTP/1.").count() <= 1, "{answer}");
    let status = answer.split(' ').nth(1);
    assert!(
        status.is_none_or(|status| STATUSES.contains(&status)),
        "{answer}"
    );
    assert_eq!(is_in, status == Some("101"), "{answer}");
    if is_in {
        let head = String::from_utf8_lossy(input);
        assert!(keeps_the_rules(&head), "{head}");
    }
}

/// Returns whether the client was admitted, and the response.
fn knock(input: &[u8]) -> (bool, Vec<u8>) {
    // The clock is paused, so that deadlines pass as soon as nothing else happens.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let admission = Admission::of_strangers(
        SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
        BearerRule::capability(TOKEN.as_bytes()),
        Arc::new(Semaphore::new(1)),
        Arc::new(SystemClock),
    );
    runtime.block_on(async {
        // The whole input fits, so that nothing blocks.
        let (mut client, server) = duplex(input.len().max(64 * 1024));
        client.write_all(input).await.expect("room");
        let entrance = Entrance::default();
        let is_in = accept_upgrade(server, &admission, &entrance)
            .await
            .is_some();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("an end");
        (is_in, answer)
    })
}

/// The rules once more, as simple as possible.
fn keeps_the_rules(head: &str) -> bool {
    let head = Head::of(head);
    let bearer = head.values("authorization");
    head.first.starts_with("GET ")
        && head.values("origin").is_empty()
        && head.is_for(PORT)
        && bearer.len() == 1
        && bearer.iter().all(|value| {
            let token = value.strip_prefix("bearer ").unwrap_or_default();
            token.trim() == TOKEN
        })
        && !head.values("sec-websocket-key").is_empty()
}

#[cfg(test)]
mod tests {
    use super::{PORT, TOKEN, keeps_the_rules, knock};

    fn head(name: &str, more: &str) -> String {
        format!(
            "GET / HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\
             \r\n"
        )
    }

    #[test]
    fn the_rules_decide_which_clients_are_admitted() {
        let own = format!("localhost:{PORT}");
        let good = format!("Authorization: Bearer {TOKEN}\r\n");
        for (head, may) in [
            (head(&own, &good), true),
            (head(&own, ""), false),
            (head("evil.example", &good), false),
            (head(&own, &format!("{good}{good}")), false),
            (head(&own, &format!("{good}Origin: null\r\n")), false),
        ] {
            assert_eq!(keeps_the_rules(&head), may, "{head}");
            assert_eq!(knock(head.as_bytes()).0, may, "{head}");
        }
    }
}
