//! Rows 12, 15 to 18, 21 and 22: JSON that is not a message.

use serde_json::{Value, json};

use crate::probe::{CANARY, INVALID_REQUEST, Probe};

impl Probe {
    async fn is_no_message(&mut self, line: &str, id: Value) {
        let line = format!("{line}\n");
        self.refuses(line.as_bytes(), INVALID_REQUEST, "", id).await;
    }
}

#[tokio::test]
async fn row_12_a_final_line_without_end_is_not_executed() {
    let mut probe = Probe::start().await;
    probe
        .host
        .send_raw(b"{\"id\":1,\"method\":\"account/read\"}")
        .await;
    probe.host.close_input();
    assert_eq!(probe.host.rest().await, Vec::<Value>::new());
    assert_eq!(probe.server.exit_code().await, Some(0));
    let log = probe.server.whole_log().await;
    assert!(log.contains("it was not executed"), "{log}");
}

#[tokio::test]
async fn row_15_batches_are_refused() {
    let mut probe = Probe::start().await;
    let request = json!({"id": CANARY, "method": "account/read"});
    for batch in [json!([]), json!([request]), json!([request, CANARY])] {
        let line = format!("{batch}\n");
        let answers = probe.answers_to(line.as_bytes()).await;
        assert_eq!(answers.len(), 1);
        let error = &answers[0]["error"];
        assert_eq!(error["code"], INVALID_REQUEST);
        assert!(error["message"].as_str().unwrap().contains("batches"));
        assert_eq!(answers[0]["id"], Value::Null);
    }
    probe.end().await;
}

#[tokio::test]
async fn row_16_values_that_are_no_objects_are_refused() {
    let mut probe = Probe::start().await;
    for line in ["1", "null", "true", "-0.5e3", &format!("{CANARY:?}")] {
        probe.is_no_message(line, json!(null)).await;
    }
    for line in ["{}", &format!(r#"{{"{CANARY}":1}}"#)] {
        probe.is_no_message(line, json!(null)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_17_a_null_id_is_refused() {
    let mut probe = Probe::start().await;
    let line = json!({"id": null, "method": "account/read", "params": {"x": CANARY}});
    probe.is_no_message(&line.to_string(), json!(null)).await;
    probe.end().await;
}

#[tokio::test]
async fn row_18_ids_of_other_types_are_refused() {
    let mut probe = Probe::start().await;
    for id in [
        "1.5",
        "1.0",
        "1e3",
        "true",
        "[]",
        "9223372036854775808",
        "-9223372036854775809",
        "1e999",
        &format!(r#"{{"{CANARY}":"{CANARY}"}}"#),
    ] {
        let line = format!(r#"{{"id":{id},"method":"account/read","params":{{"x":"{CANARY}"}}}}"#);
        probe.is_no_message(&line, json!(null)).await;
    }
    probe.end().await;
}

/// Each request in flight holds its id, and the answer repeats it.
#[tokio::test]
async fn row_18_a_long_id_is_refused_with_a_null_id() {
    let mut probe = Probe::start().await;
    for length in [257, 1_000_000] {
        let mut id = CANARY.repeat(length / CANARY.len() + 1);
        id.truncate(length);
        let line = format!(r#"{{"id":"{id}","method":"account/read"}}"#);
        probe.is_no_message(&line, json!(null)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_21_repeated_members_are_refused() {
    let mut probe = Probe::start().await;
    for twice in [
        r#""id":1,"id":2,"method":"account/read""#,
        r#""id":1,"method":"account/read","method":"account/logout""#,
        r#""id":1,"i\u0064":1,"method":"account/read""#,
        r#""jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"account/read""#,
        r#""id":1,"method":"account/read","params":{},"params":{}"#,
    ] {
        let line = format!(r#"{{{twice},"x":"{CANARY}"}}"#);
        probe.is_no_message(&line, json!(null)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_22_a_method_that_is_no_string_is_refused_with_the_id() {
    let mut probe = Probe::start().await;
    for method in ["5", "null", "true", &format!(r#"["{CANARY}"]"#)] {
        let line = format!(r#"{{"id":"one","method":{method},"params":{{"x":"{CANARY}"}}}}"#);
        probe.is_no_message(&line, json!("one")).await;
    }
    let without = format!(r#"{{"id":1,"{CANARY}":"account/read"}}"#);
    probe.is_no_message(&without, json!(1)).await;
    probe.end().await;
}
