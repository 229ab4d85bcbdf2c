//! Rows 1 to 11: input that cannot be parsed at all.

use serde_json::json;

use crate::probe::{CANARY, INVALID_REQUEST, PARSE, Probe};

#[tokio::test]
async fn row_01_garbage_is_answered_at_most_eight_times_in_a_row() {
    let mut probe = Probe::start().await;
    let line = format!("{CANARY} garbage\n");
    probe.refuses(line.as_bytes(), PARSE, "", json!(null)).await;
    let many = probe.answers_to(line.repeat(100).as_bytes()).await;
    assert_eq!(many.len(), 8);
    probe.refuses(line.as_bytes(), PARSE, "", json!(null)).await;
    probe.end().await;
}

#[tokio::test]
async fn row_02_a_truncated_line_is_answered() {
    let mut probe = Probe::start().await;
    let whole = format!(
        r#"{{"id":"{CANARY}","method":"account/read","params":{{"refreshToken":false,"x":"{CANARY}"}}}}"#
    );
    for length in 1..whole.len() {
        let line = [&whole.as_bytes()[..length], b"\n"].concat();
        probe.refuses(&line, PARSE, "", json!(null)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_03_empty_and_blank_lines_are_ignored() {
    let mut probe = Probe::start().await;
    probe.ignores(b"\n\n  \n\t\r\n\n").await;
    probe.end().await;
}

#[tokio::test]
async fn row_06_invalid_utf_8_is_answered() {
    let mut probe = Probe::start().await;
    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
    ] {
        let line = [
            format!(r#"{{"id":1,"method":"{CANARY}"#).as_bytes(),
            bytes,
            b"\"}\n",
        ]
        .concat();
        probe.refuses(&line, PARSE, "", json!(null)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_07_control_bytes_are_answered() {
    let mut probe = Probe::start().await;
    for byte in (0..0x20).filter(|byte| *byte != b'\n') {
        let mut line = format!(r#"{{"id":1,"method":"{CANARY}"#).into_bytes();
        line.push(byte);
        line.extend(b"\"}\n");
        probe.refuses(&line, PARSE, "", json!(null)).await;
    }
    probe.refuses(b"\0\n", PARSE, "", json!(null)).await;
    probe.end().await;
}

#[tokio::test]
async fn row_08_lone_surrogates_are_answered() {
    let mut probe = Probe::start().await;
    for escape in [r"\ud800", r"\udfff", r"\ud800\u0041", r"\ud83d \ude00"] {
        let line =
            format!(r#"{{"id":1,"method":"account/read","params":{{"{CANARY}":"{escape}"}}}}"#);
        probe
            .refuses(format!("{line}\n").as_bytes(), PARSE, "", json!(null))
            .await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_09_deep_nesting_is_answered() {
    let mut probe = Probe::start().await;
    for depth in [129, 5_000, 100_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = format!("{}\"{CANARY}\"{}", open.repeat(depth), close.repeat(depth));
            let line = format!("{{\"id\":1,\"method\":\"account/read\",\"params\":{nested}}}\n");
            probe.refuses(line.as_bytes(), PARSE, "", json!(null)).await;
        }
    }
    probe.end().await;
}

#[tokio::test]
async fn row_10_a_line_over_the_limit_is_answered_once() {
    let mut probe = Probe::start().await;
    let limit = 4 * 1024 * 1024;
    let long = |length: usize| {
        let (begin, end) = (r#"{"id":1,"method":"account/read","x":""#, "\"}");
        let room = length - begin.len() - end.len();
        let filling: String = CANARY.chars().cycle().take(room).collect();
        format!("{begin}{filling}{end}\n")
    };
    let too_long = long(limit + 1);
    probe
        .refuses(
            too_long.as_bytes(),
            INVALID_REQUEST,
            "messageTooLong",
            json!(1),
        )
        .await;
    let longest = probe.answers_to(long(limit).as_bytes()).await;
    assert!(longest[0]["result"].is_object(), "{longest:?}");
    probe.end().await;
}

#[tokio::test]
async fn row_11_a_line_without_end_is_answered_once() {
    let mut probe = Probe::start().await;
    for _ in 0..4 {
        probe.host.send_raw(CANARY.repeat(500_000).as_bytes()).await;
    }
    let answer = probe.host.next().await.unwrap();
    assert_eq!(answer["error"]["data"]["kind"], "messageTooLong");
    probe.ignores(b"\n").await;
    probe.end().await;
}

#[tokio::test]
async fn the_limit_is_the_one_on_the_command_line() {
    let setup = byokey_tests::Setup::default()
        .argument("--max-message-bytes")
        .argument("1000");
    let mut probe = Probe::with(setup).await;
    let line = format!("{{\"{}\":1}}\n", "x".repeat(1_000));
    probe
        .refuses(
            line.as_bytes(),
            INVALID_REQUEST,
            "messageTooLong",
            json!(null),
        )
        .await;
    probe.end().await;
}
