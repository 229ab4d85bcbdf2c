//! Login messages that are truncated, too long, or invalid; and many at once.

use std::time::Duration;

use byokey_tests::{Framing, MadeUp, Setup, Subject, Traces};
use serde_json::{Value, json};

use crate::support::{ORDINARY, call, login_params};

fn login(token: &MadeUp, id: i64) -> String {
    json!({"id": id, "method": "account/login/start", "params": login_params(token)}).to_string()
}

/// Waits for a response with that code.
async fn complaint(subject: &mut Subject, code: i64) {
    let message = subject.host.next().await.unwrap();
    assert_eq!(message["error"]["code"], code, "{message}");
}

#[tokio::test]
async fn a_login_that_stops_in_the_middle() {
    for framing in Framing::ALL {
        let mut subject = Subject::start(Setup::default(), framing).await;
        let token = MadeUp::jwt("cut", ORDINARY);
        let message = framing.frame(&login(&token, 500));
        // Behind the token, in any order of members.
        let (begin, end) = message.split_at(message.len() - 20);
        subject.server.canaries.add(&token.text);
        subject.host.send_raw(begin).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let waiting = subject.memory().traces(&token);
        assert_eq!(waiting.full, 1, "{framing:?}: only the input buffer");
        // As many bytes, and invalid JSON.
        let garbage: Vec<u8> = end.iter().map(|byte| byte & 0x1f | 0x40).collect();
        subject.host.send_raw(&garbage).await;
        if framing == Framing::Lines {
            subject.host.send_raw(b"\n").await;
        }
        complaint(&mut subject, -32700).await;
        subject.assert_gone(&token, "cut off").await;
    }
}

#[tokio::test]
async fn a_login_in_single_bytes() {
    let mut subject = Subject::start(Setup::default(), Framing::Lines).await;
    let token = MadeUp::jwt("bytes", ORDINARY);
    for byte in Framing::Lines.frame(&login(&token, 500)) {
        subject.host.send_raw(&[byte]).await;
    }
    subject.host.answer(500).await.unwrap();
    subject.assert_in_use(&token, "sent in single bytes");
    subject.logout().await;
    subject.assert_gone(&token, "sent in single bytes").await;
}

#[tokio::test]
async fn messages_that_are_too_long() {
    for framing in Framing::ALL {
        let setup = Setup::default().argument("--max-message-bytes=20000");
        let mut subject = Subject::start(setup, framing).await;
        let token = MadeUp::jwt("too-long", ORDINARY);
        for padding in [18_900, 19_500, 100_000, 1_000_000] {
            let mut message: Value = serde_json::from_str(&login(&token, 500)).unwrap();
            message["padding"] = "x".repeat(padding).into();
            message["params"]["again"] = token.text.clone().into();
            subject
                .host
                .send_raw(&framing.frame(&message.to_string()))
                .await;
            complaint(&mut subject, -32600).await;
            call(&mut subject, "account/read").await;
            subject
                .assert_gone(&token, &format!("too long by {padding}"))
                .await;
        }
        // The buffer grows for it, and shrinks again.
        let large = MadeUp::jwt("large", 15_000);
        subject.login(&large).await;
        subject.assert_in_use(&large, "in a buffer that grew");
        subject.logout().await;
        subject.assert_gone(&large, "in a buffer that grew").await;
    }
}

#[tokio::test]
async fn messages_that_are_no_text_or_no_json() {
    for framing in Framing::ALL {
        let mut subject = Subject::start(Setup::default(), framing).await;
        let token = MadeUp::jwt("no-text", ORDINARY);
        subject.server.canaries.add(&token.text);
        let good = login(&token, 500);
        let not_utf8 = [good.as_bytes(), b" \xff\xfe"].concat();
        let garbage = [
            not_utf8,
            good.trim_end_matches('}').as_bytes().to_vec(),
            format!("{good} {good}").into_bytes(),
            format!("[{good}").into_bytes(),
            good.replace("ws-1", "\\ud800").into_bytes(),
            good.replace("ws-1", "\u{1}").into_bytes(),
        ];
        for message in garbage {
            let mut bytes = match framing {
                Framing::Lines => Vec::new(),
                Framing::ContentLength => {
                    format!("Content-Length: {}\r\n\r\n", message.len()).into_bytes()
                }
            };
            bytes.extend_from_slice(&message);
            if framing == Framing::Lines {
                bytes.push(b'\n');
            }
            subject.host.send_raw(&bytes).await;
            complaint(&mut subject, -32700).await;
            subject.assert_gone(&token, "garbage").await;
        }
        // A batch is JSON, but not a message.
        let deep = format!("{}{good}{}", "[".repeat(500), "]".repeat(500));
        for batch in [format!("[{good},{good}]"), deep] {
            subject.host.send_raw(&framing.frame(&batch)).await;
            complaint(&mut subject, -32600).await;
            subject.assert_gone(&token, "a batch").await;
        }
    }
}

#[tokio::test]
async fn a_broken_header_with_a_token_behind_it() {
    let mut subject = Subject::start(Setup::default(), Framing::ContentLength).await;
    let token = MadeUp::jwt("bad-header", ORDINARY);
    subject.server.canaries.add(&token.text);
    let message = format!("Content-Length: none\r\n\r\n{}\r\n", login(&token, 500));
    subject.host.send_raw(message.as_bytes()).await;
    complaint(&mut subject, -32600).await;
    call(&mut subject, "account/read").await;
    subject.assert_gone(&token, "behind a broken header").await;
}

#[tokio::test]
async fn many_messages_in_one_write() {
    for framing in Framing::ALL {
        let mut subject = Subject::start(Setup::default(), framing).await;
        let tokens: Vec<_> = (0..200)
            .map(|number| MadeUp::jwt(&format!("pipelined-{number}"), ORDINARY))
            .collect();
        let mut write = Vec::new();
        for (token, id) in tokens.iter().zip(1_000..) {
            write.extend(framing.frame(&login(token, id)));
            let include =
                json!({"id": -id, "method": "getAuthStatus", "params": {"includeToken": true}});
            write.extend(framing.frame(&include.to_string()));
        }
        subject.host.send_raw(&write).await;
        for (token, id) in tokens.iter().zip(1_000..) {
            let status = subject.host.answer(-id).await.unwrap();
            assert_eq!(status["authToken"], token.text);
        }
        let (last, old) = tokens.split_last().unwrap();
        subject.assert_all_gone(old, "pipelined").await;
        subject.assert_in_use(last, "the last of the pipeline");
        subject.logout().await;
        subject.assert_gone(last, "pipelined").await;
    }
}

/// The search itself must be able to fail.
#[tokio::test]
async fn a_program_that_keeps_a_token_is_found_out() {
    let mut subject = Subject::start(Setup::default(), Framing::Lines).await;
    let token = MadeUp::jwt("kept", ORDINARY);
    subject.login(&token).await;
    let traces = subject.memory().traces(&token);
    assert_ne!(traces, Traces::NONE);
    assert!(traces.windows >= ORDINARY - 15);
}
