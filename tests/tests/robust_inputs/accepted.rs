//! Rows 4, 5, 13, 14, 19, 24, 27 and 28: odd but valid.

use serde_json::{Value, json};

use crate::probe::{CANARY, Probe};

impl Probe {
    /// Expects exactly one result for each request with these ids.
    async fn accepts(&mut self, input: &[u8], ids: &[Value]) {
        let answers = self.answers_to(input).await;
        let answered: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
        assert_eq!(answered, ids, "{answers:?}");
        assert!(answers.iter().all(|answer| answer["result"].is_object()));
    }
}

#[tokio::test]
async fn row_04_a_carriage_return_before_the_line_break_is_accepted() {
    let mut probe = Probe::start().await;
    let line = b"{\"id\":1,\"method\":\"account/read\"}\r\n";
    probe.accepts(line, &[json!(1)]).await;
    probe.end().await;
}

#[tokio::test]
async fn row_05_a_byte_order_mark_is_accepted_before_any_message() {
    let mut probe = Probe::start().await;
    let line = "\u{feff}{\"id\":1,\"method\":\"account/read\"}\n";
    probe
        .accepts(line.repeat(2).as_bytes(), &[json!(1), json!(1)])
        .await;
    probe.end().await;
}

#[tokio::test]
async fn row_05_a_byte_order_mark_is_accepted_before_the_first_message() {
    let mut server = byokey_tests::Server::start();
    let mut host = byokey_tests::Host::new(&mut server);
    host.send_raw("\u{feff}".as_bytes()).await;
    let client = json!({"name": "test-host", "version": "1.0"});
    let initialized = host
        .request("initialize", json!({"clientInfo": client}))
        .await;
    assert!(initialized.is_ok(), "{initialized:?}");
}

#[tokio::test]
async fn row_13_a_message_in_single_bytes_is_accepted() {
    let mut probe = Probe::start().await;
    for byte in b"{\"id\":1,\"method\":\"account/read\"}\n" {
        probe.host.send_raw(&[*byte]).await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    probe.accepts(b"", &[json!(1)]).await;
    probe.end().await;
}

#[tokio::test]
async fn row_14_messages_in_one_write_are_all_answered_in_order() {
    let mut probe = Probe::start().await;
    let lines: String = (0..1_000)
        .map(|id| format!("{{\"id\":{id},\"method\":\"account/read\"}}\n"))
        .collect();
    let ids: Vec<_> = (0..1_000).map(|id| json!(id)).collect();
    probe.accepts(lines.as_bytes(), &ids).await;
    probe.end().await;
}

#[tokio::test]
async fn row_19_ids_are_echoed_exactly() {
    let mut probe = Probe::start().await;
    for id in [
        r#""abc""#,
        "9007199254740993",
        "-1",
        "0",
        r#""""#,
        "9223372036854775807",
        "-9223372036854775808",
        r#""1""#,
        r#""\u0000\"\\é""#,
    ] {
        let line = format!("{{\"id\":{id},\"method\":\"account/read\"}}\n");
        let id: Value = serde_json::from_str(id).unwrap();
        probe.accepts(line.as_bytes(), &[id]).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_24_unknown_notifications_are_ignored() {
    let mut probe = Probe::start().await;
    for method in [
        CANARY,
        "$/setTrace",
        "$/progress",
        "account/read",
        "exit",
        "",
    ] {
        let line = json!({"method": method, "params": {"value": CANARY}});
        probe.ignores(format!("{line}\n").as_bytes()).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_27_unknown_members_are_ignored() {
    let mut probe = Probe::start().await;
    let line = json!({
        "id": 1, "method": "account/read", CANARY: {CANARY: [CANARY]},
        "params": {CANARY: CANARY}, "trace": {"traceparent": CANARY},
    });
    probe
        .accepts(format!("{line}\n").as_bytes(), &[json!(1)])
        .await;
    probe.end().await;
}

#[tokio::test]
async fn row_28_any_header_or_none_is_accepted_and_the_answer_has_it_once_it_was_seen() {
    let mut probe = Probe::start().await;
    let without = b"{\"id\":1,\"method\":\"account/read\"}\n";
    let answers = probe.answers_to(without).await;
    assert_eq!(answers[0].get("jsonrpc"), None);
    for header in ["1.0", "2.0", CANARY] {
        let line = json!({"jsonrpc": header, "id": 2, "method": "account/read"});
        let answers = probe.answers_to(format!("{line}\n").as_bytes()).await;
        assert_eq!(answers[0]["jsonrpc"], "2.0");
        assert!(answers[0]["result"].is_object());
    }
    let answers = probe.answers_to(without).await;
    assert_eq!(answers[0]["jsonrpc"], "2.0");
    probe.end().await;
}
